"""Backlogs over the API: what waits for an answer, and the answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse

from dashboard.starting import settle_for
from miner.access import Actor
from miner.errors import InvalidArguments
from miner.issues import backlog
from miner.models import Backlog


def backlog_list(request: Request, session: Session) -> dict[str, Any]:
    return {"backlogs": [shape(one) for one in backlog.list_backlogs(session)]}


def answer(request: Request, body: dict[str, Any], by: Actor) -> JSONResponse:
    """`{"answer": "read"}` or `{"answer": "leave"}`; `run_id` is the run that was started, if any."""
    said = body.get("answer")
    if set(body) != {"answer"} or not isinstance(said, str):
        raise InvalidArguments({"answer": 'send {"answer": "read"} or {"answer": "leave"}'})
    started = settle_for(by, request.path_params["id"], said, trigger="api")
    return JSONResponse({"answer": said, "run_id": started and started.run_id})


def shape(one: Backlog) -> dict[str, Any]:
    """A price that is unknown is null."""
    return {
        "id": one.id,
        "run_id": one.run_id,
        "reason": one.reason,
        "sources": one.sources,
        "tickets": one.tickets,
        "model": one.model,
        "low_usd": _number(one.low_usd),
        "high_usd": _number(one.high_usd),
        "low_seconds": one.low_seconds,
        "high_seconds": one.high_seconds,
        "counted_at": one.counted_at.isoformat(),
        "answer": one.answer,
        "answered_by": one.answered_by,
        "answered_at": one.answered_at.isoformat() if one.answered_at else None,
    }


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
