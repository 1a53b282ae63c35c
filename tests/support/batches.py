"""What the tests of reading in batches share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.errors import BatchUnderWay
from miner.issues import analyze
from miner.models import ModelBatch
from miner.runs.context import StepContext
from tests.standins.claude.standin import StandIn, tickets_of
from tests.support.reading import configure, fill


def in_batches(session: Session, **values: Any) -> None:
    packed = values.get("tickets_per_call", 2)
    configure(session, **{"reading": "batch", "tickets_per_call": packed, "tickets_per_batch_call": packed, **values})


def hurry(session: Session) -> None:
    """Every open batch may be asked for at once."""
    session.execute(text("UPDATE model_batches SET next_look_at = clock_timestamp() WHERE next_look_at IS NOT NULL"))
    session.commit()


def turn(session: Session, context: StepContext, run: Callable[[StepContext], Any] = analyze.run) -> str:
    """One turn that ends with a batch under way; returns what the run says."""
    session.rollback()
    hurry(session)
    with pytest.raises(BatchUnderWay) as waiting:
        run(context)
    session.rollback()
    return str(waiting.value)


def send_batch(session: Session, step: Callable[..., StepContext], tickets: int, **values: Any) -> StepContext:
    """`tickets` new ones are sent in batches by a first turn; the context of their run."""
    in_batches(session, **values)
    fill(session, tickets)
    context = step("analyze")
    turn(session, context)
    return context


def last_turn(session: Session, context: StepContext) -> None:
    """One turn that ends the step."""
    session.rollback()
    hurry(session)
    analyze.run(context)
    session.rollback()
    session.expire_all()


def batches(session: Session) -> list[tuple[str, int]]:
    """(state, requests) of all batches, the oldest first."""
    session.rollback()
    session.expire_all()
    return [(one.state, one.requests) for one in session.scalars(select(ModelBatch).order_by(ModelBatch.id))]


def times_billed(claude: StandIn) -> Counter[str]:
    """How often each ticket, by its subject, was read for money."""
    return Counter(ticket["subject"] for body, _ in claude.billed for ticket in tickets_of(body))


def turns(session: Session, context: StepContext) -> None:
    """Many turns, without waiting for the time of batches."""
    for _ in range(40):
        session.rollback()
        hurry(session)
        with suppress(BatchUnderWay):
            analyze.run(context)
