"""A unit is one transaction; what wants the run to leave is looked at before it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.errors import CancelRequested, MinerError, PauseRequested, RunLost, ShutdownRequested, YieldDue
from miner.models import JobRun, JobRunStep
from miner.runs import context as contexts
from miner.runs import lifecycle
from miner.runs.context import DeadlinePassed, StepContext
from miner.runs.steps import mark_begun
from tests.factories import TESTER

Steps = Callable[..., StepContext]


def rows(session: Session, run_id: int) -> tuple[JobRun, JobRunStep]:
    session.rollback()
    session.expire_all()
    step = session.query(JobRunStep).filter_by(run_id=run_id).order_by(JobRunStep.position).first()
    assert step is not None
    return session.get_one(JobRun, run_id), step


def write(context: StepContext, **unit_options: Any) -> None:
    with context.unit(**unit_options) as unit:
        unit.session.execute(text("INSERT INTO beats (name) VALUES (gen_random_uuid()::text)"))
        unit.advance(3)
        unit.count(tickets=3)
        unit.checkpoint = {"at": 3}


def beats(session: Session) -> int:
    session.rollback()
    return int(session.scalar(text("SELECT count(*) FROM beats")) or 0)


def test_rows_progress_counters_and_checkpoint_move_together(step: Steps, session: Session) -> None:
    context = step("trends")
    context.expect(10)
    context.say("Counting...")
    write(context)
    write(context)
    run, one = rows(session, context.run_id)
    assert (one.done, one.total, one.checkpoint, one.counters) == (6, 10, {"at": 3}, {"tickets": 6})
    assert (run.counters, run.progress) == ({"tickets": 6}, "Counting...")
    assert context.checkpoint == {"at": 3}


def test_a_unit_that_fails_leaves_nothing_and_the_checkpoint_stays(step: Steps, session: Session) -> None:
    context = step("trends")

    def fail() -> None:
        with context.unit() as unit:
            unit.session.execute(text("INSERT INTO beats (name) VALUES ('x')"))
            unit.checkpoint = {"at": 1}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert beats(session) == 0
    assert context.checkpoint is None


def test_who_lost_the_run_keeps_nothing_of_its_unit(step: Steps, session: Session) -> None:
    context = step("trends")
    with db.transaction() as other:
        lifecycle.release_all(other, context.hold.claim.worker_id, [context.run_id])
    with pytest.raises(RunLost):
        write(context)
    assert beats(session) == 0
    assert context.hold.lost.is_set()


def set_event(name: str) -> Callable[[StepContext], None]:
    owner, flag = name.split(".")
    return lambda context: getattr(getattr(context, owner), flag).set()


def work_long(context: StepContext) -> None:
    context.hold.since -= context.hold.claim.deadline_seconds + 1


@pytest.mark.parametrize(
    ("happens", "error"),
    [
        (set_event("hold.lost"), RunLost),
        (set_event("hold.cancel"), CancelRequested),
        (set_event("holds.paused"), PauseRequested),
        (set_event("holds.stopping"), ShutdownRequested),
        (work_long, DeadlinePassed),
    ],
    ids=["lost", "cancel", "paused", "stopping", "deadline"],
)
def test_a_unit_does_not_begin_when_the_run_is_to_leave(
    step: Steps, session: Session, happens: Callable[[StepContext], None], error: type[MinerError]
) -> None:
    context = step("trends")
    context.check()
    happens(context)
    with pytest.raises(error):
        write(context)
    assert beats(session) == 0


def test_after_its_share_a_run_gives_others_a_turn(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = step("trends")
    monkeypatch.setattr(contexts, "YIELD_SECONDS", 100)
    context.hold.since = time.monotonic() - 99
    context.check()
    context.hold.since = time.monotonic() - 101
    with pytest.raises(YieldDue):
        context.check()


def test_what_is_paid_for_is_stored_although_the_run_is_to_leave(step: Steps, session: Session) -> None:
    context = step("trends")
    context.holds.stopping.set()
    write(context, leaving=True)
    assert beats(session) == 1


def test_a_cancel_that_came_meanwhile_keeps_the_unit_and_is_known_afterwards(step: Steps, session: Session) -> None:
    context = step("trends")
    with db.transaction() as other:
        lifecycle.request_cancel(other, context.run_id, by=TESTER)
    write(context)
    assert beats(session) == 1
    with pytest.raises(CancelRequested):
        context.check()


def test_the_last_unit_completes_the_step_in_the_same_transaction(step: Steps, session: Session) -> None:
    context = step("trends")
    write(context, last=True)
    _, one = rows(session, context.run_id)
    assert (one.state, one.checkpoint, one.done) == ("completed", None, 3)
    assert context.completed


def test_a_resumed_step_keeps_the_time_of_its_first_start(step: Steps, session: Session) -> None:
    context = step("trends")
    _, before = rows(session, context.run_id)
    first = before.started_at
    mark_begun(session, context.run_id, 0, name="trends", saying="Updating trends")
    session.commit()
    assert first is not None
    assert rows(session, context.run_id)[1].started_at == first
