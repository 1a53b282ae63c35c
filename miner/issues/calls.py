"""The rows of paid calls: writing them, and what they sum to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from miner.issues.prices import cost
from miner.issues.prompt import PROMPT_VERSION
from miner.issues.reply import Reply
from miner.models import Analysis, ModelCall


@dataclass(frozen=True, slots=True)
class Spent:
    """Dollars of the calls whose cost is known, and how many calls' cost is not."""

    dollars: Decimal
    unpriced: int


def record_calls(
    session: Session, calls: Sequence[tuple[Reply, int]], *, run_id: int, version: str = PROMPT_VERSION
) -> None:
    """A row for each reply and its number of tickets; the caller commits."""
    if calls:
        session.execute(insert(ModelCall), [_row(reply, tickets, run_id, version) for reply, tickets in calls])


def _row(reply: Reply, tickets: int, run_id: int, version: str) -> dict[str, Any]:
    tokens = reply.tokens
    return {
        "run_id": run_id,
        "model": reply.model,
        "request_id": reply.request_id,
        "prompt_version": version,
        "outcome": reply.outcome,
        "tickets": tickets,
        "input_tokens": tokens and tokens.prompt,
        "cache_write_tokens": tokens and tokens.written + tokens.written_1h,
        "cache_read_tokens": tokens and tokens.read,
        "output_tokens": tokens and tokens.received,
        "cost_usd": call_cost(reply),
    }


def call_cost(reply: Reply) -> Decimal | None:
    """Dollars for the call; a refused request used nothing; None: the usage or the price is unknown."""
    if reply.tokens is None:
        return Decimal(0) if reply.outcome in ("bad_request", "too_long") else None
    return cost(reply.model, reply.tokens)


def was_claude_used(session: Session) -> bool:
    """Whether any call was ever made here."""
    return session.scalar(select(ModelCall.id).limit(1)) is not None


def spent_in_run(session: Session, run_id: int) -> Spent:
    return _spent(session, ModelCall.run_id == run_id)


def spent_since(session: Session, since: dt.datetime) -> Spent:
    return _spent(session, ModelCall.created_at >= since)


def _spent(session: Session, which: ColumnElement[bool]) -> Spent:
    row = session.execute(
        select(
            func.coalesce(func.sum(ModelCall.cost_usd), 0).label("dollars"),
            func.count().filter(ModelCall.cost_usd.is_(None)).label("unpriced"),
        ).where(which)
    ).one()
    return Spent(Decimal(row.dollars), row.unpriced)


def list_costs(session: Session, *, limit: int) -> list[dict[str, Any]]:
    """The newest runs that asked a model, a row for each model: calls, tickets that got a reading, tokens, dollars.

    `cost` sums the calls whose cost is known, `unpriced` counts the others.
    """
    read = (
        select(Analysis.run_id, func.count().label("tickets"))
        .where(Analysis.analyzer == "claude", Analysis.input_tokens.is_not(None))
        .group_by(Analysis.run_id)
        .subquery()
    )
    rows = session.execute(
        select(
            ModelCall.run_id.label("run"),
            ModelCall.model,
            func.count().label("calls"),
            func.coalesce(func.max(read.c.tickets), 0).label("tickets"),
            func.sum(ModelCall.input_tokens).label("input_tokens"),
            func.sum(ModelCall.cache_read_tokens).label("cached"),
            func.sum(ModelCall.output_tokens).label("output_tokens"),
            func.sum(ModelCall.cost_usd).label("cost"),
            func.count().filter(ModelCall.cost_usd.is_(None)).label("unpriced"),
        )
        .outerjoin(read, read.c.run_id == ModelCall.run_id)
        .group_by(ModelCall.run_id, ModelCall.model)
        .order_by(func.max(ModelCall.id).desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]
