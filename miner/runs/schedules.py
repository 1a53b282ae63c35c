"""The schedule tick: looks at what is due, starts it once, and writes down why anything did not start.

Any number of processes may tick at once: a schedule's row is locked while it is decided, and a fire time has one row.
`now` is an argument, so that a simulation can be as long as it likes.
"""

from __future__ import annotations

import datetime as dt
from itertools import takewhile

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from miner.access import Actor, Role
from miner.errors import MinerError, RunAlreadyActive
from miner.logs import get_logger
from miner.models import Schedule, ScheduleTick
from miner.runs.creation import create_run, create_skipped_run
from miner.runs.cron import fire_times
from miner.runs.jobs import get_job
from miner.runs.pausing import Pause, find_pause
from miner.runs.wakes import start_asked_for

log = get_logger(__name__)

# After a long absence each missed time gets its own row up to this many; the earlier ones share one row.
MOST_MISSED = 2_000


def tick(session: Session, *, now: dt.datetime | None = None) -> list[int]:
    """Decide every fire time up to `now` (the database's clock); return the ids of the runs to ring."""
    instant = now or session.scalar(text("SELECT clock_timestamp()"))
    assert instant is not None  # noqa: S101 - the database's clock is never NULL
    due = session.scalars(
        select(Schedule)
        .where((Schedule.next_fire_at <= instant) | Schedule.next_fire_at.is_(None))
        .order_by(Schedule.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)  # what the lock protects is what was read under it
    ).all()
    pause = find_pause(session)
    started = [run_id for schedule in due for run_id in _decide_safely(session, schedule, instant, pause)]
    if pause is None:
        started += start_asked_for(session, now=instant)  # after the schedules: those do not wait for the keys
    session.execute(
        text("""
            INSERT INTO beats (name, at) VALUES ('tick', clock_timestamp())
            ON CONFLICT (name) DO UPDATE SET at = excluded.at""")
    )
    return started


def _decide_safely(session: Session, schedule: Schedule, now: dt.datetime, pause: Pause | None) -> list[int]:
    """As `decide`; a schedule that cannot be read (a zone that this machine does not know) must not stop the others."""
    try:
        with session.begin_nested():
            return decide(session, schedule, now, pause)
    except Exception as error:
        session.refresh(schedule)
        reason = f"It cannot be read: {type(error).__name__}; look at its cron line and time zone"
        log.error("schedule_broken", message=f"Schedule {schedule.id}: {reason}", schedule=schedule.id)
        _note(session, schedule, schedule.next_fire_at or now, "error", reason)
        schedule.next_fire_at = now + dt.timedelta(hours=1)
        session.flush()
        return []


def decide(session: Session, schedule: Schedule, now: dt.datetime, pause: Pause | None) -> list[int]:
    """Decide each fire time of one schedule up to `now`, whose row the caller holds; return the runs to ring."""
    times = list(
        takewhile(lambda time: time <= now, fire_times(schedule.cron, schedule.timezone, schedule.evaluated_until))
    )
    if len(times) > MOST_MISSED:
        first, times = times[0], times[-MOST_MISSED:]
        reason = f"This and every later time until {times[0]:%Y-%m-%d %H:%M} UTC were missed: no scheduler ran"
        _note(session, schedule, first, "skipped_misfire", reason)
    grace = dt.timedelta(seconds=schedule.misfire_grace_seconds)
    in_time = [time for time in times if now - time <= grace]
    started: list[int] = []
    for time in times:
        if pause is not None:
            _note(session, schedule, time, "skipped_paused", f"Everything is paused by {pause.set_by}: {pause.reason}")
        elif schedule.paused_at is not None:
            note = f": {schedule.pause_note}" if schedule.pause_note else ""
            _note(session, schedule, time, "skipped_paused", f"Paused by {schedule.paused_by}{note}")
        elif now - time > grace:
            reason = f"No scheduler ran for {_minutes(now - time)}; later than {_minutes(grace)} is not made up for"
            _note(session, schedule, time, "skipped_misfire", reason)
        elif schedule.coalesce and time != in_time[-1]:
            _note(session, schedule, time, "coalesced", f"Joined with the run for {in_time[-1]:%H:%M} UTC")
        else:
            started += _launch(session, schedule, time)
    schedule.evaluated_until = max(now, schedule.evaluated_until)
    schedule.next_fire_at = next(fire_times(schedule.cron, schedule.timezone, schedule.evaluated_until))
    session.flush()
    return started


def _minutes(span: dt.timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"


def _launch(session: Session, schedule: Schedule, time: dt.datetime) -> list[int]:
    by = Actor("schedule", schedule.id, Role.operator)
    if session.get(ScheduleTick, (schedule.id, time)) is not None:
        return []  # decided before the schedule was edited back in time
    try:
        job = get_job(schedule.job_name)
        run_id, _ = create_run(
            session, job, schedule.args, by=by, trigger="schedule", schedule_id=schedule.id, scheduled_for=time
        )
    except RunAlreadyActive as active:
        reason = f"Run {active.run_id} ({active.job_name}) was still {active.state}"
        skipped = create_skipped_run(
            session, job, schedule.args, schedule_id=schedule.id, scheduled_for=time, reason=reason
        )
        _note(session, schedule, time, "skipped_overlap", reason, skipped)
        return []
    except MinerError as error:
        log.error("schedule_broken", message=f"Schedule {schedule.id} cannot start: {error}", schedule=schedule.id)
        _note(session, schedule, time, "error", str(error))
        return []
    _note(session, schedule, time, "launched", None, run_id)
    return [run_id]


def _note(
    session: Session, schedule: Schedule, time: dt.datetime, outcome: str, detail: str | None, run_id: int | None = None
) -> None:
    session.execute(
        insert(ScheduleTick)
        .values(schedule_id=schedule.id, fire_at=time, outcome=outcome, detail=detail, run_id=run_id)
        .on_conflict_do_nothing()
    )
