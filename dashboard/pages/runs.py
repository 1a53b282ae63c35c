"""Runs: job cards with their buttons, the history, and one run as it happens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard import render, words
from dashboard.forms import Input, LogQuery, RunQuery, arguments, inputs, parse_id_key, read_query
from dashboard.http import Redirect, View, cut
from dashboard.lists import cut_runs
from dashboard.starting import start_for, wake_for
from miner import settings
from miner.access import Actor
from miner.db import transaction
from miner.errors import InvalidArguments, UnknownJob
from miner.issues import backlog, spending
from miner.models import JobRun, JobRunStep
from miner.runs import lifecycle, pausing, workers
from miner.runs import queries as runs
from miner.runs.jobs import JOBS, Job

PAGE = 25
LOG_LINES = 200


@dataclass(frozen=True)
class Card:
    """A job as its card shows it.

    `active` is the run that holds what the job needs, its own or another's. `kind`: whole (it runs several steps),
    part (its step is one of those) or aside (housekeeping).
    """

    job: Job
    kind: str
    fields: list[Input]
    active: JobRun | None
    last: JobRun | None
    success: runs.Success | None
    next_at: dt.datetime | None


def startable_jobs() -> list[Job]:
    return [job for job in JOBS.values() if job.startable]


def find_startable(name: str) -> Job:
    """The job of that name if pages and the network may start it; raises UnknownJob."""
    job = JOBS.get(name)
    if job is None or not job.startable:
        raise UnknownJob(name[:100], [job.name for job in startable_jobs()])
    return job


def run_list(request: Request, session: Session) -> View:
    return View("runs/list.html", _list(request, session))


def run_list_live(request: Request, session: Session) -> View:
    """The part of the page that an open one asks for again and again."""
    return View("runs/_list_live.html", _list(request, session))


def start(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """Start the job that a card's button names; a field that is refused shows the page again, with the reason."""
    job = find_startable(form.get("job", ""))
    try:
        started = start_for(by, job.name, arguments(job, form), trigger="button")
    except InvalidArguments as error:
        with transaction() as session:
            shown = _list(request, session, tried=(job.name, form, error.fields))
        return View("runs/list.html", shown, status=422)
    return Redirect(f"/runs/{started.run_id}", flash="started" if started.rung else "not_rung")


def run(request: Request, session: Session) -> View:
    return View("runs/show.html", _show(request, session))


def run_live(request: Request, session: Session) -> View:
    return View("runs/_show_live.html", _show(request, session))


def cancel(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    run_id = request.path_params["id"]
    with transaction() as session:
        before = runs.get_run(session, run_id).finished_at
        state = lifecycle.request_cancel(session, run_id, by=by)
    flash = "over" if before else "cancelled" if state == "cancelled" else "stopping"
    return Redirect(f"/runs/{run_id}", flash=flash)


def wake(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Let a run that waits for somebody look again now."""
    run_id = request.path_params["id"]
    return Redirect(f"/runs/{run_id}", flash="woken" if wake_for(by, run_id) else "not_asleep")


def _list(
    request: Request, session: Session, *, tried: tuple[str, Mapping[str, str], Mapping[str, str]] | None = None
) -> dict[str, Any]:
    asked = read_query(request, RunQuery) if tried is None else RunQuery()
    active = runs.list_active_runs(session)
    tried_job, typed, faults = tried or ("", {}, {})
    return {
        "asked": asked,
        "found": cut_runs(session, asked, PAGE),
        "cards": _cards(session, active, tried_job, typed),
        "active": active,
        "steps": runs.list_steps(session, {run.id for run in active}),
        "faults": {tried_job: faults},
        "jobs": JOBS,
        "worker_alive": workers.has_live_worker(session, lease_seconds=request.app.state.lease_seconds),
        "pause": pausing.find_pause(session),
        "seconds": 2 if active else 15,
    }


def _cards(session: Session, active: list[JobRun], tried_job: str, typed: Mapping[str, str]) -> list[Card]:
    jobs = startable_jobs()
    names = [job.name for job in jobs]
    last, success = runs.find_last_runs(session, names), runs.find_last_successes(session, names)
    schedules = [one for one in runs.list_schedules(session) if one.paused_at is None and one.job_name in JOBS]

    def next_at(job: Job) -> dt.datetime | None:
        works = [one for one in schedules if set(job.steps) <= set(JOBS[one.job_name].steps)]
        return min((one.next_fire_at for one in works if one.next_fire_at), default=None)

    return [
        Card(
            job=job,
            kind=_kind(job),
            fields=inputs(job, typed if job.name == tried_job else None),
            active=next((run for run in active if set(run.keys) & set(job.keys) or run.job_name == job.name), None),
            last=last.get(job.name),
            success=success.get(job.name),
            next_at=next_at(job),
        )
        for job in jobs
    ]


def _kind(job: Job) -> str:
    if _is_whole(job):
        return "whole"
    wholes = [other for other in JOBS.values() if _is_whole(other)]
    return "part" if any(job.steps[0] in whole.steps for whole in wholes) else "aside"


def _is_whole(job: Job) -> bool:
    """Whether every step of it can also be started alone: as the first of another job."""
    return len(job.steps) > 1 and set(job.steps) <= {other.steps[0] for other in JOBS.values() if other is not job}


def _show(request: Request, session: Session) -> dict[str, Any]:
    asked = read_query(request, LogQuery)
    one = runs.get_run(session, request.path_params["id"])
    steps = runs.list_steps(session, [one.id])[one.id]
    events = runs.list_events(
        session, one.id, before=parse_id_key(asked.before), limit=LOG_LINES + 1, notable=asked.level == "notable"
    )
    now = dt.datetime.now(dt.UTC)
    _, values = settings.load(session) if "input_tokens" in one.counters else (0, None)
    at_work = one.state in ("queued", "running", "waiting")
    pause = pausing.find_pause(session) if at_work else None
    return {
        "asked": asked,
        "run": one,
        "verdict": words.verdict(
            one,
            took=render.duration(words.seconds_taken(one, now)),
            waits=render.ago(one.run_after, now) if one.run_after > now else None,
            paused=pause is not None,
        ),
        "steps": steps,
        "share": share_of(steps),
        "backlogs": [(one, backlog.outlook_of(one)) for one in backlog.list_backlogs(session, run_id=one.id)],
        "meter": spending.read_meter(session, one.id, settings=values, now=now) if values else None,
        "shares": spending.list_run_shares(session, one.id) if values and not at_work else [],
        "attempts": runs.list_attempts(session, one.id),
        "events": cut(events, LOG_LINES, lambda event: str(event.id)),
        "active": at_work,
        "pause": pause,
        "worker_alive": not at_work or workers.has_live_worker(session, lease_seconds=request.app.state.lease_seconds),
        "seconds": 2,
    }


def share_of(steps: list[JobRunStep]) -> float | None:
    """How far the step at work is, 0..1; None: none is, or nobody knows how much there is."""
    step = next((step for step in steps if step.state == "running"), None)
    return min(1.0, step.done / step.total) if step and step.total else None
