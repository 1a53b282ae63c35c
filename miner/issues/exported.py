"""Issues as rows of a file: with their ticket, customer and theme, so that a row needs no other."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Select, case, func, literal, select, tuple_
from sqlalchemy.orm import Session

from miner.issues.scope import Scope, conditions, joined
from miner.models import Customer, Issue, Theme, Ticket
from miner.tickets.queries import shown_subject

_FACTS = ("platform", "version", "error_text", "workaround", "frequency", "business_impact")
_VALUES: dict[str, Any] = {
    "issue_id": Issue.id,
    "occurred_at": Issue.occurred_at,
    "theme_id": Issue.theme_id,
    "theme_name": Theme.name,
    "theme_status": Theme.status,
    "type": Issue.type,
    "area": Issue.area,
    "component": Issue.component,
    "severity": Issue.severity,
    "severity_phrase": Issue.severity_phrase,
    "summary": Issue.summary,
    "quote": Issue.quote,
    "quote_verified": Issue.quote_verified,
    "customer_id": Ticket.customer_id,
    "customer": func.coalesce(Customer.name, Customer.external_key),
    "plan": Customer.plan,
    "revenue": Customer.revenue,
    "currency": Customer.currency,
    "segment": Customer.segment,
    "customer_owner": Customer.owner,
    "ticket_id": Issue.ticket_id,
    "ticket_source": Ticket.source,
    "ticket_source_id": Ticket.source_id,
    "zendesk_ticket_id": Ticket.zendesk_ticket_id,
    "zendesk_url": case((Ticket.zendesk_ticket_id.is_not(None), Ticket.url)),
    "ticket_url": Ticket.url,
    "ticket_status": Ticket.status,
    "ticket_subject": shown_subject(),
    **{name: func.jsonb_extract_path_text(Issue.facts, name) for name in _FACTS},
    "analyzer": Issue.analyzer,
    "confidence": Issue.confidence,
}
COLUMNS = tuple(_VALUES)


def list_exported(
    session: Session, *, scope: Scope, after: tuple[dt.datetime, int] | None = None, limit: int = 1_000
) -> list[dict[str, Any]]:
    """The issues of a scope as {column: value}, the latest first; `after` is the last row of the piece before."""
    query: Select[Any] = (
        select(*(value.label(name) for name, value in _VALUES.items()))
        .select_from(joined())
        .where(*conditions(scope))
        .order_by(Issue.occurred_at.desc(), Issue.id.desc())
        .limit(limit)
    )
    if after:
        query = query.where(tuple_(Issue.occurred_at, Issue.id) < tuple_(literal(after[0]), literal(after[1])))
    return [dict(row._mapping) for row in session.execute(query)]
