"""Proof 7: a schedule and people that ask for a sync at the same moment get one sync, and one mirror."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import db
from miner.errors import RunAlreadyActive
from miner.models import JobRun, Schedule, ScheduleTick
from miner.runs import schedules
from miner.runs.creation import create_run
from miner.runs.jobs import get_job
from tests.factories import TESTER
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import Run, config_for, differences, sync

DUE = dt.datetime(2026, 11, 24, 2, 0, 10, tzinfo=dt.UTC)


@pytest.fixture
def scheduled(session: Session) -> Session:
    """One schedule of the sync, due at two."""
    session.execute(text("DELETE FROM schedules"))
    before = DUE - dt.timedelta(minutes=30)
    args = {"backfill_days": 100}
    session.add(Schedule(id="s", title="S", job_name="sync", cron="0 2 * * *", evaluated_until=before, args=args))
    session.commit()
    return session


def by_schedule() -> int | None:
    with db.transaction() as session:
        return next(iter(schedules.tick(session, now=DUE)), None)


def by_hand() -> int | None:
    with db.transaction() as session:
        return create_run(session, get_job("sync"), {"backfill_days": 100}, by=TESTER, trigger="code")[0]


def test_a_schedule_that_fires_during_a_sync_says_why_it_did_not_start(zendesk: StandIn, scheduled: Session) -> None:
    zendesk.switches.page_cap = 10
    outcomes: list[object] = []
    zendesk.faults.add("stall", "tickets_cursor", skip=2, seconds=0.01)
    first = Run(config_for(zendesk), run_id=by_hand())
    zendesk.limits.budgets["account"].allowed = 1_000_000
    outcomes.append(by_schedule())
    with pytest.raises(RunAlreadyActive):
        by_hand()
    first.work(zendesk)
    assert outcomes == [None]
    assert scheduled.scalars(select(ScheduleTick.outcome)).all() == ["skipped_overlap"]
    assert differences(scheduled, zendesk) == {}


def test_a_schedule_and_seven_people_at_the_same_moment_make_one_sync_and_one_whole_mirror(
    zendesk: StandIn, scheduled: Session
) -> None:
    started: list[int] = []
    refused: list[Exception] = []
    barrier = threading.Barrier(8)

    def ask(start: Callable[[], int | None]) -> None:
        barrier.wait()
        try:
            if (run_id := start()) is not None:
                started.append(run_id)
        except RunAlreadyActive as active:
            refused.append(active)

    threads = [threading.Thread(target=ask, args=(start,)) for start in [by_schedule, *[by_hand] * 7]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 1
    assert len(refused) in (6, 7)  # a schedule is not refused: its row says why it did not start
    zendesk.limits.budgets["account"].allowed = 1_000_000
    Run(config_for(zendesk), run_id=started[0]).work(zendesk)
    states = scheduled.scalars(select(JobRun.state)).all()
    assert [one for one in states if one != "skipped"] == ["completed"]
    assert differences(scheduled, zendesk) == {}
    zendesk.ops.create(comments=2)
    zendesk.settle()
    sync(zendesk)
    assert differences(scheduled, zendesk) == {}, "the next one finds its place"
