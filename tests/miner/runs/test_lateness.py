"""When a job is long overdue, and the reason that stands in its way."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from miner.models import Schedule, ScheduleTick
from miner.runs.lateness import Lateness, find_lateness, is_late
from miner.runs.pausing import pause_all
from miner.runs.workers import Identity, record_beat
from tests.factories import TESTER, make_run

NOW = dt.datetime.now(dt.UTC)
BEFORE = NOW - dt.timedelta(hours=1)
LONG_AGO = NOW - dt.timedelta(days=4)
DAILY = {"cron": "0 2 * * *", "timezone": "UTC"}


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=dt.UTC)


def late(session: Session, since: dt.datetime | None = LONG_AGO) -> Lateness | None:
    return find_lateness(session, job="pipeline", since=since, now=NOW)


def why(session: Session) -> str:
    found = late(session)
    assert found is not None
    return found.why


def beat(session: Session) -> None:
    record_beat(session, Identity("worker", threads=1))


def test_two_periods_and_the_time_that_a_run_takes_may_pass() -> None:
    done = at(23, 2, 20)  # a Monday
    assert not is_late(done, now=at(25, 2, 59), **DAILY)
    assert is_late(done, now=at(25, 3, 1), **DAILY)


def test_a_weekend_without_a_time_is_no_delay() -> None:
    friday = at(20, 2, 20)
    working_days = {"cron": "0 2 * * 1-5", "timezone": "UTC"}
    assert not is_late(friday, now=at(23, 9), **working_days)
    assert is_late(friday, now=at(24, 4), **working_days)


def test_what_was_done_lately_what_was_never_done_and_what_has_no_schedule_is_not_late(session: Session) -> None:
    assert late(session, NOW - dt.timedelta(hours=20)) is None
    assert late(session, None) is None
    assert find_lateness(session, job="sync", since=LONG_AGO, now=NOW) is None


def test_it_says_since_when_and_that_no_worker_is_alive(session: Session) -> None:
    found = late(session)
    assert found is not None
    assert (found.since, found.run_id) == (LONG_AGO, None)
    assert "No worker is alive" in found.why


def test_with_a_worker_the_last_run_says_why(session: Session) -> None:
    beat(session)
    assert "No scheduler has started it" in why(session)
    session.add(
        ScheduleTick(
            schedule_id="daily_sync", fire_at=NOW, outcome="skipped_overlap", detail="Run 7 (sync) was still running"
        )
    )
    session.flush()
    assert why(session) == "Run 7 (sync) was still running"
    run = finished(session, "failed", error_message="Zendesk refused the token", error_class="ZendeskAuthentication")
    assert why(session) == f"Run {run} failed: Zendesk refused the token"
    found = late(session)
    assert found is not None
    assert found.run_id == run


def test_a_run_that_waits_says_what_for(session: Session) -> None:
    waits = {"wait_reason": "budget", "wait_detail": "the month's limit of $20 is reached"}
    run = make_run(session, job_name="pipeline", state="waiting", created_at=BEFORE, started_at=NOW, **waits)
    assert why(session) == f"Run {run.id} waits: the month's limit of $20 is reached"


def test_a_paused_schedule_is_the_reason_until_a_run_is_at_work(session: Session) -> None:
    session.execute(update(Schedule).values(paused_at=NOW, paused_by="ann", pause_note="moving"))
    assert why(session) == "The schedule daily_sync is paused by ann: moving"
    run = make_run(session, job_name="pipeline")
    beat(session)
    assert why(session) == f"Run {run.id} is queued"


def test_a_pause_of_everything_comes_first(session: Session) -> None:
    session.execute(update(Schedule).values(paused_at=NOW, paused_by="ann"))
    pause_all(session, "a new database", by=TESTER)
    assert why(session) == "Everything is paused by code tester: a new database"


def test_a_worker_that_was_told_to_stop_is_none(session: Session) -> None:
    beat(session)
    session.execute(text("UPDATE workers SET stopping_at = now()"))
    assert "No worker is alive" in why(session)


def finished(session: Session, state: str, **columns: Any) -> int:
    return make_run(
        session, job_name="pipeline", state=state, created_at=BEFORE, started_at=NOW, finished_at=NOW, **columns
    ).id


@pytest.mark.parametrize("state", ["crashed"])
def test_a_lost_run_says_so(session: Session, state: str) -> None:
    beat(session)
    run = finished(session, state, error_message="the worker was lost", error_class="Crashed")
    assert why(session) == f"Run {run} crashed: the worker was lost"
