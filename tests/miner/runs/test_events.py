"""A run's story: turning points in the transaction that makes them true, log lines up to a cap."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.logs import Line
from miner.models import JobRun, JobRunEvent
from miner.runs import events
from miner.runs.events import record_event, record_lines
from tests.factories import make_run


def lines(run_id: int, count: int, level: str = "info", since: float | None = None) -> list[Line]:
    at = time.monotonic() if since is None else since
    return [Line(run_id, level, "line", f"line {n}", "sync", {}, at) for n in range(count)]


def messages(session: Session) -> list[str]:
    return list(session.scalars(select(JobRunEvent.message).order_by(JobRunEvent.id)))


def test_a_turning_point_goes_with_its_transaction(session: Session) -> None:
    run_id = make_run(session).id
    session.commit()
    record_event(session, run_id, "run_started", "Started")
    session.rollback()
    assert messages(session) == []


def test_secrets_and_what_cannot_be_stored_are_taken_out(session: Session) -> None:
    run = make_run(session)
    record_event(session, run.id, "x", "Bearer abc.def\x00 and postgresql://me:hunter2@db/x" + "y" * 9_000)
    (message,) = messages(session)
    assert "hunter2" not in message
    assert "\x00" not in message
    assert len(message) == 4_000


def test_lines_are_counted_with_their_warnings_and_keep_their_time(session: Session) -> None:
    run = make_run(session)
    record_lines(session, [*lines(run.id, 2, since=time.monotonic() - 100), *lines(run.id, 1, "warning")])
    session.refresh(run)
    assert (run.event_count, run.warning_count) == (3, 1)
    first, *_, last = session.scalars(select(JobRunEvent.at).order_by(JobRunEvent.id)).all()
    assert 99 < (last - first).total_seconds() < 110


def test_beyond_the_cap_one_line_says_that_the_log_is_cut(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_LINES", 5)
    run = make_run(session)
    record_lines(session, lines(run.id, 4))
    record_lines(session, lines(run.id, 4))
    record_lines(session, lines(run.id, 4))
    assert messages(session) == [*(f"line {n}" for n in range(4)), "line 0", "The log is cut here: 5 lines are kept"]
    record_event(session, run.id, "run_completed", "Completed")
    assert messages(session)[-1] == "Completed"


def test_lines_of_a_run_that_is_gone_are_dropped_and_the_others_kept(session: Session) -> None:
    run = make_run(session)
    record_lines(session, [*lines(10**9, 1), *lines(run.id, 1)])
    assert messages(session) == ["line 0"]
    assert session.scalars(select(JobRun.event_count)).one() == 1
