"""What batches cost is limited before they are sent, and booked when their results are there."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from miner.errors import BudgetReached
from miner.issues import analyze, batch_send
from miner.issues.pending import count_pending
from miner.models import ModelBatch, ModelCall
from miner.runs.context import StepContext
from tests.standins.claude.standin import StandIn
from tests.support.batches import batches, in_batches, last_turn, send_batch, times_billed, turn, turns
from tests.support.reading import issues, sums

Steps = Callable[..., StepContext]


def test_a_limit_is_kept_by_what_a_batch_can_cost_at_most_and_raising_it_lets_the_same_run_go_on(
    step: Steps, session: Session, claude: StandIn
) -> None:
    context = send_batch(session, step, 40, run_budget_usd=0.004, tickets_per_call=1)
    ((_, first),) = batches(session)
    assert 1 <= first < 39, "the rest would pass the limit if every answer were as long as it may be"
    assert session.scalars(select(ModelBatch.bound_usd)).one() <= Decimal("0.004")
    with pytest.raises(BudgetReached, match="run_budget_usd"):
        turns(session, context)
    session.rollback()
    assert len(batches(session)) > 1, "what a batch did not use is spent on the next"
    assert 0 < count_pending(session) < 40
    assert Decimal(0) < sums(session)[1] <= Decimal("0.004")
    sent = len(claude.batches.all) + len(claude.batches.deleted)
    with pytest.raises(BudgetReached):
        analyze.run(context)
    assert len(claude.batches.all) + len(claude.batches.deleted) == sent
    in_batches(session, run_budget_usd=5, tickets_per_call=1)
    turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 40
    assert set(times_billed(claude).values()) == {1}


def test_open_batches_count_against_the_month_before_they_are_booked(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_send, "MOST_REQUESTS", 4)
    send_batch(session, step, 60, month_budget_usd=0.005, tickets_per_call=1)
    bounds = session.scalars(select(ModelBatch.bound_usd)).all()
    assert len(bounds) > 1
    assert sum(bound for bound in bounds if bound) + sums(session)[1] <= Decimal("0.005")


def test_an_answer_costs_no_more_than_its_batch_was_reckoned_with(
    step: Steps, session: Session, claude: StandIn
) -> None:
    context = send_batch(session, step, 20, cache_in_batches=True)
    last_turn(session, context)
    bound = session.scalars(select(func.sum(ModelBatch.bound_usd))).one()
    booked = session.scalars(select(func.sum(ModelCall.cost_usd)).where(ModelCall.batch_id.is_not(None))).one()
    assert 0 < booked <= bound
