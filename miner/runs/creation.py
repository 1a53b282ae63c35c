"""A run comes into being: its row, its keys, its steps, its first event and its audit row, or none of them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import InvalidArguments, NotFound, Refused, UsageError
from miner.runs import keys
from miner.runs.events import record_event
from miner.runs.jobs import Job
from miner.runs.lifecycle import reap
from miner.version import VERSION


def create_run(
    session: Session,
    job: Job,
    args: Mapping[str, Any],
    *,
    by: Actor,
    trigger: str,
    schedule_id: str | None = None,
    scheduled_for: dt.datetime | None = None,
    rerun_of: int | None = None,
    idempotency_key: str | None = None,
    delay_seconds: float = 0,
) -> tuple[int, bool]:
    """Insert a queued run with its keys, steps, first event and audit row; return (run id, whether it is new).

    Raises InvalidArguments, RunAlreadyActive (a key is held) and Refused. An idempotency key that was used before
    returns its run. A failure leaves nothing behind even if the caller goes on with the transaction.
    """
    require(by, Role.operator, f"start {job.name}")
    if not job.startable and trigger in ("button", "api"):
        raise Refused(f"{job.name} cannot be started from a page or over the network: use the command line")
    checked = job.parse(args)
    if idempotency_key is not None and not 1 <= len(idempotency_key) <= 200:
        raise InvalidArguments({"Idempotency-Key": "1 to 200 characters are needed"})
    if job.keys:
        reap(session, reaper=f"the start of {job.name}", keys=job.keys)
    with session.begin_nested():
        run_id = session.scalar(
            text("""
                INSERT INTO job_runs (job_name, trigger, triggered_by, schedule_id, scheduled_for, rerun_of_id,
                    idempotency_key, keys, args, max_attempts, max_rescues, deadline_seconds, run_after, rung_at,
                    app_version)
                VALUES (:job, :trigger, :by, :schedule_id, :scheduled_for, :rerun_of, :idempotency_key, :keys,
                    CAST(:args AS jsonb), :max_attempts, :max_rescues, :deadline,
                    now() + make_interval(secs => :delay), CASE WHEN :delay = 0 THEN now() END, :version)
                ON CONFLICT (job_name, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
                RETURNING id"""),
            {
                "job": job.name,
                "trigger": trigger,
                "by": str(by),
                "schedule_id": schedule_id,
                "scheduled_for": scheduled_for,
                "rerun_of": rerun_of,
                "idempotency_key": idempotency_key,
                "keys": list(job.keys),
                "args": _json(checked),
                "max_attempts": job.max_attempts,
                "max_rescues": job.max_rescues,
                "deadline": job.deadline_seconds,
                "delay": delay_seconds,
                "version": VERSION,
            },
        )
        if run_id is None:
            return _run_of_key(session, job.name, str(idempotency_key)), False
        keys.take_all(session, int(run_id), job.keys)
        session.execute(
            text("""
                INSERT INTO job_run_steps (run_id, position, name, unit)
                SELECT :run_id, step.position - 1, step.name, step.unit
                FROM unnest(CAST(:names AS text[]), CAST(:units AS text[])) WITH ORDINALITY
                    AS step(name, unit, position)"""),
            {"run_id": run_id, "names": [s.name for s in job.steps], "units": [s.unit for s in job.steps]},
        )
        record_event(session, run_id, "run_queued", f"Queued by {by}", trigger=trigger)
        audit(session, by, "run.create", "run", run_id, after={"job": job.name, "args": checked, "trigger": trigger})
    return int(run_id), True


def arguments_of(session: Session, run_id: int) -> tuple[str, dict[str, Any]]:
    """(job name, arguments) of a run, to repeat it; raises NotFound, and UsageError while it is not over."""
    row = session.execute(
        text("SELECT job_name, args, finished_at FROM job_runs WHERE id = :id"), {"id": run_id}
    ).one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    if row.finished_at is None:
        raise UsageError(f"run {run_id} is not over yet: cancel it or wait for it before repeating it")
    return row.job_name, row.args


def create_skipped_run(
    session: Session, job: Job, args: Mapping[str, Any], *, schedule_id: str, scheduled_for: dt.datetime, reason: str
) -> int:
    """Insert the row of a scheduled run that deliberately did not run."""
    run_id = session.scalar(
        text("""
            INSERT INTO job_runs (job_name, state, trigger, triggered_by, schedule_id, scheduled_for, args,
                skip_reason, finished_at, app_version)
            VALUES (:job, 'skipped', 'schedule', :by, :schedule_id, :scheduled_for, CAST(:args AS jsonb), :reason,
                now(), :version)
            RETURNING id"""),
        {
            "job": job.name,
            "by": f"schedule {schedule_id}",
            "schedule_id": schedule_id,
            "scheduled_for": scheduled_for,
            "args": _json(args),
            "reason": reason,
            "version": VERSION,
        },
    )
    assert run_id is not None  # noqa: S101 - RETURNING of an INSERT without ON CONFLICT
    record_event(session, run_id, "run_skipped", reason)
    return int(run_id)


def _run_of_key(session: Session, job_name: str, key: str) -> int:
    found = session.scalar(
        text("SELECT id FROM job_runs WHERE job_name = :job AND idempotency_key = :key"),
        {"job": job_name, "key": key},
    )
    if found is None:  # deleted by retention between the two statements
        raise NotFound("run with idempotency key", key)
    return int(found)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
