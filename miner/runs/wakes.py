"""Wishes for a run from outside: any number of calls, one run soon after, and never one too few.

A wish is a row that holds no key, so that a schedule's time which comes meanwhile finds its way free; the minute's tick
makes the run. What was asked for while a run is active waits for the next one: a run vouches only for wishes that are
older than `SETTLE_SECONDS` when it is made, since Zendesk's export hides what changed in the last minute.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, require
from miner.errors import MinerError, RunAlreadyActive
from miner.logs import get_logger
from miner.runs.creation import create_run
from miner.runs.jobs import get_job

log = get_logger(__name__)

SETTLE_SECONDS = 65
APART_SECONDS = 120  # between two runs that were wished for


def ask_for_run(session: Session, job_name: str, *, by: Actor) -> None:
    """Note that a run is wanted. Its audit row is the run's: a busy account asks every second."""
    require(by, Role.operator, f"start {job_name}")
    session.execute(
        text("""
            INSERT INTO job_wakes (job_name, first_asked_at, last_asked_at, asked_by)
            VALUES (:job, clock_timestamp(), clock_timestamp(), :by) ON CONFLICT (job_name) DO UPDATE SET
              first_asked_at = coalesce(job_wakes.first_asked_at, excluded.first_asked_at),
              last_asked_at = greatest(job_wakes.last_asked_at, excluded.last_asked_at),
              asked_by = excluded.asked_by"""),
        {"job": get_job(job_name).name, "by": by.name},
    )


def start_asked_for(session: Session, *, now: dt.datetime) -> list[int]:
    """Make the runs that are wanted and due; returns their ids, to be rung. One whose keys are held waits."""
    due = session.execute(
        text("""
            SELECT job_name, asked_by FROM job_wakes
            WHERE first_asked_at <= CAST(:now AS timestamptz) - make_interval(secs => :settle)
              AND coalesce(started_at, '-infinity') <= CAST(:now AS timestamptz) - make_interval(secs => :apart)
            ORDER BY job_name FOR UPDATE SKIP LOCKED"""),
        {"now": now, "settle": SETTLE_SECONDS, "apart": APART_SECONDS},
    ).all()
    return [run_id for wish in due for run_id in _start(session, wish.job_name, wish.asked_by, now)]


def _start(session: Session, job_name: str, asked_by: str, now: dt.datetime) -> list[int]:
    try:
        by = Actor("webhook", asked_by, Role.operator)
        run_id, _ = create_run(session, get_job(job_name), {}, by=by, trigger="webhook")
    except RunAlreadyActive:
        return []
    except MinerError as error:
        log.error("wish_broken", message=f"A wished-for run of {job_name} cannot start: {error}", job=job_name)
        return []
    session.execute(
        text("""
            UPDATE job_wakes SET started_at = :now, first_asked_at = CASE
                WHEN last_asked_at > CAST(:now AS timestamptz) - make_interval(secs => :settle) THEN last_asked_at END
            WHERE job_name = :job"""),
        {"now": now, "settle": SETTLE_SECONDS, "job": job_name},
    )
    return [run_id]
