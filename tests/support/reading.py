"""What the tests of reading with Claude share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import settings
from miner.issues import analyze
from miner.models import Issue, JobRun, Ticket
from miner.runs.context import StepContext
from tests.factories import TESTER, make_ticket

Steps = Callable[..., StepContext]


def fill(session: Session, count: int, body: str = "The export of sheet {} crashes.") -> list[Ticket]:
    tickets = [make_ticket(session, text=f"Export {n}\n\n{body.format(n)}") for n in range(count)]
    session.commit()
    return tickets


def configure(session: Session, **values: Any) -> None:
    settings.save(session, settings.parse(values), by=TESTER)
    session.commit()


def read(session: Session, context: StepContext) -> dict[str, Any]:
    """Run the step; return the run's counters."""
    context.checkpoint = None
    analyze.run(context)
    session.rollback()
    session.expire_all()
    return session.get_one(JobRun, context.run_id).counters


def issues(session: Session) -> Sequence[Issue]:
    session.rollback()
    session.expire_all()
    return session.scalars(select(Issue).where(Issue.retired_at.is_(None)).order_by(Issue.id)).all()


def sums(session: Session) -> tuple[Any, ...]:
    """(tokens, dollars) of the calls, then of the readings."""
    session.rollback()
    return tuple(
        session.execute(
            text("""
                SELECT (SELECT sum(input_tokens) FROM model_calls), (SELECT sum(cost_usd) FROM model_calls),
                    (SELECT sum(input_tokens) FROM analyses), (SELECT sum(cost_usd) FROM analyses)""")
        ).one()
    )


def has(word: str) -> Callable[[dict[str, Any]], bool]:
    return lambda body: word in body["messages"][-1]["content"]
