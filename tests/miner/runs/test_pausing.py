from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.errors import InvalidArguments, PauseRequested, Refused
from miner.models import AuditEntry, ScheduleTick
from miner.runs import bells, lifecycle, schedules
from miner.runs.creation import create_run
from miner.runs.jobs import get_job
from miner.runs.pausing import find_pause, pause_all
from miner.runs.resuming import list_what_will_run, resume_all
from miner.runs.workers import Identity
from tests.factories import TESTER, VIEWER
from tests.miner.runs.test_housekeeping import Home, eventually, home, scalar  # noqa: F401 - `home` is a fixture


def test_a_pause_stops_claims_bells_and_schedules_and_says_why(session: Session) -> None:
    run_id, _ = create_run(session, get_job("analyze"), {}, by=TESTER, trigger="code")
    pause_all(session, "the bill is too high", by=TESTER)
    session.execute(text("UPDATE job_runs SET rung_at = NULL"))
    assert lifecycle.claim(session, run_id, Identity("worker").id) is None
    assert bells.take_due_bells(session) == []
    session.execute(text("UPDATE schedules SET evaluated_until = now() - interval '1 hour', next_fire_at = NULL"))
    assert schedules.tick(session) == []
    detail = session.query(ScheduleTick).filter_by(schedule_id="hourly_trends").one().detail
    assert detail == "Everything is paused by code tester: the bill is too high"


def test_a_resume_lets_everything_go_on_and_both_are_audited_once(session: Session) -> None:
    run_id, _ = create_run(session, get_job("analyze"), {}, by=TESTER, trigger="code")
    pause_all(session, "first", by=TESTER)
    again = pause_all(session, "second", by=TESTER)
    assert again.reason == "first", "a pause in force stays as it is"
    what = [row["what"] for row in list_what_will_run(session)]
    assert what == [
        f"run {run_id}",
        "schedule daily_sync",
        "schedule hourly_trends",
        "schedule nightly_retention",
        "schedule weekly_help_center",
        "schedule weekly_reconcile",
    ]
    assert resume_all(session, by=TESTER)
    assert not resume_all(session, by=TESTER)
    assert find_pause(session) is None
    assert bells.take_due_bells(session) == [(run_id, "analyze")], "what was rung during the pause rings again at once"
    session.commit()
    assert lifecycle.claim(session, run_id, Identity("worker").id)
    actions = [
        entry.action for entry in session.query(AuditEntry).filter_by(object_kind="switch").order_by(AuditEntry.id)
    ]
    assert actions == ["everything.pause", "everything.resume"]


def test_a_pause_needs_a_reason_and_an_operator(session: Session) -> None:
    with pytest.raises(InvalidArguments, match="reason"):
        pause_all(session, " ", by=TESTER)
    with pytest.raises(Refused):
        pause_all(session, "x", by=VIEWER)
    with pytest.raises(Refused):
        resume_all(session, by=VIEWER)


def test_a_running_run_leaves_at_its_next_unit_and_a_blocked_one_is_taken_back(
    home: Home,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("miner.runs.housekeeping.PAUSE_SECONDS", 0.5)
    hold = home.hold()
    with db.transaction() as session:
        pause_all(session, "stop", by=TESTER)
    eventually(home.holds.paused.is_set)
    eventually(hold.lost.is_set)
    assert scalar("SELECT wait_reason FROM job_runs") == "paused"
    assert scalar("SELECT attempt FROM job_runs") == 1
    home.holds.drop(hold)
    with db.transaction() as session:
        resume_all(session, by=TESTER)
    eventually(lambda: hold.claim.run_id in home.rung)
    eventually(lambda: not home.holds.paused.is_set())


def test_a_unit_does_not_begin_while_everything_is_paused(step) -> None:  # type: ignore[no-untyped-def]
    context = step()
    context.holds.paused.set()
    with pytest.raises(PauseRequested), context.unit():
        raise AssertionError("no unit begins")
