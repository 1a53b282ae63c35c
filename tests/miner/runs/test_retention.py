from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from miner.models import JobRun, ScheduleTick, Worker
from miner.runs import retention
from miner.runs.context import StepContext
from miner.runs.workers import Identity, record_beat
from tests.factories import make_run

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def ended(session: Session, state: str = "completed", when: dt.datetime = LONG_AGO, **more: Any) -> JobRun:
    if state in ("failed", "crashed"):
        more |= {"error_class": "E", "error_message": "e"}
    return make_run(session, state=state, created_at=when, started_at=when, finished_at=when, **more)


def left(session: Session, *runs: JobRun) -> list[bool]:
    session.expire_all()
    return [session.get(JobRun, run_id) is not None for run_id in [run.id for run in runs]]


def test_old_runs_go_but_each_jobs_last_success_and_last_failure_stay(
    session: Session, step: Callable[..., StepContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    old = [ended(session) for _ in range(5)]
    success, failure = ended(session), ended(session, "failed")
    other_job = ended(session, job_name="trends")
    fresh = ended(session, when=dt.datetime.now(dt.UTC))
    active = make_run(session, created_at=LONG_AGO)
    kept = [success, failure, other_job, fresh, active]
    ids = [run.id for run in [*old, *kept]]
    session.commit()
    context = step("retention")
    retention.run(context)
    session.expire_all()
    found = {run.id for run in session.query(JobRun)}
    # `fresh` is the newest success of its job, so the older one may go.
    assert [run_id in found for run_id in ids] == [False] * 5 + [False, True, True, True, True]
    assert session.get_one(JobRun, context.run_id).counters == {"runs": 6}


def test_a_run_that_an_active_one_repeats_stays(session: Session, step: Callable[..., StepContext]) -> None:
    repeated = ended(session, "cancelled", cancel_requested_at=LONG_AGO, cancel_requested_by="x")
    make_run(session, rerun_of_id=repeated.id, created_at=LONG_AGO)
    session.commit()
    retention.run(step("retention"))
    assert left(session, repeated) == [True]


def test_a_run_that_an_active_one_belongs_to_stays(session: Session, step: Callable[..., StepContext]) -> None:
    cancelled = {"cancel_requested_at": LONG_AGO, "cancel_requested_by": "x"}
    parent, of_finished = ended(session, "cancelled", **cancelled), ended(session, "cancelled", **cancelled)
    make_run(session, parent_id=parent.id, created_at=LONG_AGO)
    ended(session, parent_id=of_finished.id)
    session.commit()
    ids = [parent.id, of_finished.id]
    retention.run(step("retention"))
    session.expire_all()
    assert [session.get(JobRun, run_id) is not None for run_id in ids] == [True, False]


def test_rows_of_dead_workers_and_old_ticks_go(session: Session, step: Callable[..., StepContext]) -> None:
    dead, alive = Identity("worker"), Identity("worker")
    record_beat(session, dead)
    record_beat(session, alive)
    session.get_one(Worker, dead.id).heartbeat_at = LONG_AGO
    session.add(ScheduleTick(schedule_id="daily_sync", fire_at=LONG_AGO, outcome="coalesced", detail="d"))
    session.add(
        ScheduleTick(schedule_id="daily_sync", fire_at=dt.datetime.now(dt.UTC), outcome="coalesced", detail="d")
    )
    session.commit()
    retention.run(step("retention"))
    session.expire_all()
    assert session.get(Worker, dead.id) is None
    assert session.get(Worker, alive.id) is not None
    assert session.query(ScheduleTick).count() == 1
