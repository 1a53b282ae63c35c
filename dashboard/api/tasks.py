"""The task endpoints, in the shapes that others rely on: fields may be added, none is changed."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse

from dashboard import words
from dashboard.api import shapes
from dashboard.forms import Query, read_query
from dashboard.pages.runs import find_startable
from dashboard.starting import start_for
from miner.access import Actor
from miner.errors import InvalidArguments, NotFound, UnknownJob
from miner.models import JobRun, Schedule
from miner.runs import pausing
from miner.runs import queries as runs
from miner.runs.cron import next_fire_times, trigger_text

# Job: (the task's name, the message), where they do not follow from the job.
_KEPT = {
    "sync": ("sync", "Sync task started"),
    "analyze": ("analysis", "Analysis task started"),
    "pipeline": ("pipeline", "Full pipeline started"),
}
_STATUS = {"completed": "completed", "failed": "failed", "crashed": "failed"}


def start(request: Request, body: dict[str, Any], by: Actor) -> JSONResponse:
    """Queue a run of the job in the path; 202 with where to watch it."""
    try:
        job = find_startable(request.path_params["job"])
    except UnknownJob:
        raise NotFound("task", request.path_params["job"][:100]) from None
    read_query(request, Query, strict=True)
    key = request.headers.get("idempotency-key")
    if key is not None and not key.isprintable():
        raise InvalidArguments({"Idempotency-Key": "it holds characters that cannot be printed"})
    started = start_for(by, job.name, body, trigger="api", idempotency_key=key)
    task, message = _KEPT.get(job.name, (job.name, f"{job.title} task started"))
    url = f"/runs/{started.run_id}"
    return JSONResponse(
        {
            "message": message,
            "task": task,
            "status": "started",
            "run_id": started.run_id,
            "url": url,
            "created": started.created,
            "rung": started.rung,
        },
        status_code=202,
        headers={"Location": url},
    )


def scheduler_status(request: Request, session: Session) -> list[dict[str, Any]]:
    read_query(request, Query, strict=True)
    return [_schedule(one) for one in runs.list_schedules(session)]


def worker_status(request: Request, session: Session) -> dict[str, Any]:
    """The oldest active run, else the one that ended last. A run that is queued for later is listed, no more."""
    read_query(request, Query, strict=True)
    listed = runs.list_active_runs(session)
    active = runs.list_active_runs(session, with_later=False) if listed else []
    newest = None if active else runs.find_newest_finished_run(session)
    shown: JobRun | None = active[0] if active else newest
    status = "running" if active else _STATUS.get(newest.state if newest else "", "idle")
    return {
        "status": status,
        "progress": words.progress_sentence(active[0]) if active else None,
        "is_running": bool(active),
        "started_at": shapes.time(shown.started_at) if shown else None,
        "completed_at": shapes.time(shown.finished_at) if shown else None,
        "last_result": newest.counters if newest and newest.state == "completed" else None,
        "last_error": newest.error_message if newest else None,
        "run_id": shown.id if shown else None,
        "job": shown.job_name if shown else None,
        "paused": _pause(pausing.find_pause(session)),
        "runs": [shapes.run(run) for run in listed],
    }


def _pause(found: pausing.Pause | None) -> dict[str, Any] | None:
    return {"reason": found.reason, "by": found.set_by, "since": shapes.time(found.set_at)} if found else None


def _schedule(one: Schedule) -> dict[str, Any]:
    upcoming = None
    if one.paused_at is None:
        upcoming = one.next_fire_at or next_fire_times(one.cron, one.timezone, dt.datetime.now(dt.UTC), 1)[0]
    return {
        "id": one.id,
        "name": one.title,
        "next_run": upcoming.astimezone(ZoneInfo(one.timezone)).isoformat() if upcoming else None,
        "trigger": trigger_text(one.cron),
        "job": one.job_name,
        "args": one.args,
        "cron": one.cron,
        "timezone": one.timezone,
        "paused": one.paused_at is not None,
    }
