"""`miner runs` and `miner schedules`: looking things up."""

from __future__ import annotations

from argparse import Namespace

from sqlalchemy import text

from miner.commands.output import json_object, show_json, show_table
from miner.commands.watch import look
from miner.commands.work import cli_actor, say_what_holds_it, sentence
from miner.db import transaction
from miner.errors import NotFound
from miner.runs import lifecycle
from miner.runs.cron import describe_cron


def list_runs(options: Namespace) -> int:
    with transaction() as session:
        rows = session.execute(
            text("""
                SELECT id, job_name AS job, state, triggered_by AS by, created_at AS created, started_at AS started,
                    finished_at AS finished, coalesce(error_message, skip_reason, wait_detail) AS note
                FROM job_runs WHERE CAST(:job AS text) IS NULL OR job_name = :job ORDER BY id DESC LIMIT :limit"""),
            {"job": options.job, "limit": options.limit},
        )
        found = [dict(row._mapping) for row in rows]
    if options.json:
        show_json(found)
    else:
        show_table(found, ("id", "job", "state", "by", "created", "finished", "note"))
    return 0


def show_run(options: Namespace) -> int:
    _check(options.id)
    found = look(options.id)
    with transaction() as session:
        rows = session.execute(
            text("SELECT at, level, step, message FROM job_run_events WHERE run_id = :id ORDER BY id"),
            {"id": options.id},
        )
        events = [dict(row._mapping) for row in rows]
    if options.json:
        show_json({**found, "events": events})
        return 0
    print(sentence(found))
    attempt = f"attempt {found['attempt']} of {found['max_attempts']}"
    print(f"started by {found['triggered_by']} ({found['trigger']}), {attempt}")
    show_table(found["steps"], ("name", "state", "done", "total", "unit", "skip_reason"))
    show_table(events, ("at", "level", "step", "message"))
    return 0


def cancel_run(options: Namespace) -> int:
    with transaction() as session:
        state = lifecycle.request_cancel(session, options.id, by=cli_actor())
    print(f"run {options.id} " + ("is asked to stop at its next unit" if state == "running" else f"is {state}"))
    return 0 if state in ("running", "cancelled") else 1


def retry_run(options: Namespace) -> int:
    from actors.enqueue import rerun

    args = json_object(options.args, "--args") if options.args is not None else None
    started = rerun(options.id, args, by=cli_actor())
    say_what_holds_it(started)
    print(f"run {started.run_id} repeats run {options.id}")
    return 0


def list_schedules(options: Namespace) -> int:
    with transaction() as session:
        rows = session.execute(
            text(
                "SELECT id, job_name AS job, cron, timezone, next_fire_at AS next, paused_at FROM schedules ORDER BY id"
            )
        )
        found = [{**row._mapping, "means": describe_cron(row.cron)} for row in rows]
    if options.json:
        show_json(found)
    else:
        show_table(found, ("id", "job", "cron", "timezone", "means", "next", "paused_at"))
    return 0


def _check(run_id: int) -> None:
    with transaction() as session:
        if session.scalar(text("SELECT 1 FROM job_runs WHERE id = :id"), {"id": run_id}) is None:
            raise NotFound("run", run_id)
