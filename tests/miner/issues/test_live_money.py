"""What reading with Claude costs, and the limits on it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import db
from miner.errors import (
    BudgetReached,
)
from miner.issues.pending import count_pending
from miner.models import ModelCall
from miner.runs.context import StepContext
from tests.standins.claude.standin import StandIn
from tests.support.reading import configure, fill, issues, read, sums

Steps = Callable[..., StepContext]


def test_what_the_calls_used_is_kept_once_and_sums_up(step: Steps, session: Session, claude: StandIn) -> None:
    fill(session, 12)
    claude.fail(change=lambda message: message.update(stop_reason="refusal", content=[]))
    counters = read(session, step("analyze"))
    tokens, dollars, read_tokens, read_dollars = sums(session)
    billed = [call.usage for call in claude.calls if call.usage]
    assert (
        tokens
        == read_tokens
        == counters["input_tokens"]
        == sum(
            one["input_tokens"] + one["cache_creation_input_tokens"] + one["cache_read_input_tokens"] for one in billed
        )
    )
    assert counters["output_tokens"] == sum(one["output_tokens"] for one in billed)
    assert dollars == read_dollars
    assert counters["cost_usd"] == pytest.approx(float(dollars))
    calls = session.scalars(select(ModelCall).order_by(ModelCall.id)).all()
    assert [call.outcome for call in calls].count("refused") == 1
    assert len(calls) == len(claude.calls)
    assert all(call.request_id for call in calls)


def test_a_lost_answer_is_a_call_of_unknown_cost(step: Steps, session: Session, claude: StandIn) -> None:
    fill(session, 2)
    claude.fail(reset="body")
    read(session, step("analyze"))
    calls = session.scalars(select(ModelCall).order_by(ModelCall.id)).all()
    assert [(call.outcome, call.cost_usd is None) for call in calls] == [("lost", True), ("ok", False)]
    assert len(issues(session)) == 2


def test_a_model_of_unknown_price_costs_unknown(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINER_MODEL", "claude-fable-5-2")
    fill(session, 3)
    counters = read(session, step("analyze"))
    assert counters["input_tokens"] > 0
    assert "cost_usd" not in counters
    assert sums(session)[1] is None


def test_a_limit_on_the_run_is_kept_and_raising_it_lets_the_same_run_go_on(
    step: Steps, session: Session, claude: StandIn
) -> None:
    configure(session, run_budget_usd=0.003, tickets_per_call=1, calls_at_once=2)
    fill(session, 30)
    context = step("analyze")
    with pytest.raises(BudgetReached, match="run_budget_usd"):
        read(session, context)
    assert 0 < count_pending(session) < 30
    assert Decimal(0) < sums(session)[1] <= Decimal("0.003")
    asked = len(claude.calls)
    with pytest.raises(BudgetReached):
        read(session, context)
    assert len(claude.calls) == asked
    configure(session, run_budget_usd=5, tickets_per_call=1)
    read(session, context)
    assert count_pending(session) == 0


def test_a_limit_on_the_month_counts_all_runs(step: Steps, session: Session, claude: StandIn) -> None:
    fill(session, 5)
    read(session, step("analyze"))
    spent = sums(session)[1]
    configure(session, month_budget_usd=float(spent))
    fill(session, 5)
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()
    with pytest.raises(BudgetReached, match="month_budget_usd"):
        read(session, step("analyze"))
    assert count_pending(session) == 5


def test_a_limit_cannot_be_kept_without_a_price(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINER_MODEL", "claude-fable-5-2")
    configure(session, month_budget_usd=5)
    fill(session, 1)
    with pytest.raises(BudgetReached, match="unknown"):
        read(session, step("analyze"))
    assert claude.calls == []


def test_the_cost_of_an_import_that_changes_a_ticket_meanwhile_is_not_lost(
    step: Steps, session: Session, claude: StandIn
) -> None:
    (ticket,) = fill(session, 1)
    plain = claude.answer

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        if len(claude.calls) == 0:
            with db.transaction() as other:
                other.execute(text("UPDATE tickets SET text_hash = 'new' WHERE id = :id"), {"id": ticket.id})
        return plain(body)

    claude.answer = answer
    counters = read(session, step("analyze"))
    assert counters["tickets"] == 1
    assert len(session.scalars(select(ModelCall.id)).all()) == 2
    assert counters["input_tokens"] == sums(session)[0]
