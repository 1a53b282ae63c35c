"""What pages and the API read about issues: always with their ticket and their theme, in one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.issues.scope import EVERYTHING, Scope, conditions, joined
from miner.models import Issue, Theme, Ticket
from miner.paging import Count, count_rows
from miner.tickets.queries import shown_subject


@dataclass(frozen=True)
class IssueLine:
    """An issue with what is needed to show and to follow it. `theme_*` are None while it has no theme."""

    id: int
    type: str
    area: str | None
    component: str | None
    severity: str
    severity_phrase: str | None
    summary: str
    quote: str
    quote_start: int | None
    quote_end: int | None
    quote_verified: bool
    text_hash: str
    occurred_at: dt.datetime
    analyzer: str
    confidence: float | None
    facts: dict[str, Any]
    ticket_id: int
    ticket_source: str
    ticket_source_id: str
    ticket_number: int | None
    ticket_url: str | None
    ticket_subject: str
    ticket_original_created_at: dt.datetime | None
    theme_id: int | None
    theme_name: str | None
    theme_pinned: bool


@dataclass(frozen=True)
class Summary:
    """How many issues there are, and of each kind, the most first; an area of None: not recognised."""

    total: int = 0
    type: dict[str, int] = field(default_factory=dict)
    area: dict[str | None, int] = field(default_factory=dict)
    severity: dict[str, int] = field(default_factory=dict)


def _lines() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Issue.id,
            Issue.type,
            Issue.area,
            Issue.component,
            Issue.severity,
            Issue.severity_phrase,
            Issue.summary,
            Issue.quote,
            Issue.quote_start,
            Issue.quote_end,
            Issue.quote_verified,
            Issue.text_hash,
            Issue.occurred_at,
            Issue.analyzer,
            Issue.confidence,
            Issue.facts,
            Issue.ticket_id,
            Ticket.source.label("ticket_source"),
            Ticket.source_id.label("ticket_source_id"),
            Ticket.zendesk_ticket_id.label("ticket_number"),
            Ticket.url.label("ticket_url"),
            shown_subject().label("ticket_subject"),
            Ticket.original_created_at.label("ticket_original_created_at"),
            Issue.theme_id,
            Theme.name.label("theme_name"),
            Issue.theme_pinned,
        )
        .select_from(joined())
        .where(Issue.retired_at.is_(None))
    )


def list_issues(
    session: Session, *, scope: Scope = EVERYTHING, after: tuple[dt.datetime, int] | None = None, limit: int = 50
) -> list[IssueLine]:
    """The issues of a scope, the latest first; `after` is the last line of the page before."""
    query = _lines().where(*conditions(scope)).order_by(Issue.occurred_at.desc(), Issue.id.desc()).limit(limit)
    if after:
        query = query.where(tuple_(Issue.occurred_at, Issue.id) < tuple_(literal(after[0]), literal(after[1])))
    return [IssueLine(**row._mapping) for row in session.execute(query)]


def count_issues(session: Session, *, scope: Scope = EVERYTHING) -> Count:
    """How many issues a scope has, exactly up to what anybody reads through."""
    return count_rows(session, select(Issue.id).select_from(joined()).where(*conditions(scope)))


def sum_up_issues(session: Session, *, scope: Scope = EVERYTHING) -> Summary:
    """How many issues of a scope are of each type, area and severity, in one statement."""
    sets = func.grouping_sets(tuple_(), tuple_(Issue.type), tuple_(Issue.area), tuple_(Issue.severity))
    which = func.grouping(Issue.type, Issue.area, Issue.severity).label("which")
    query = (
        select(which, Issue.type, Issue.area, Issue.severity, func.count().label("issues"))
        .select_from(joined())
        .where(*conditions(scope))
        .group_by(sets)
        .order_by(func.count().desc(), Issue.type, Issue.area, Issue.severity)
    )
    found = Summary()
    for row in session.execute(query):  # a bit for every column that was not grouped by
        if row.which == 0b111:
            found = replace(found, total=row.issues)
        else:
            part, value = {0b011: ("type", row.type), 0b101: ("area", row.area), 0b110: ("severity", row.severity)}[
                row.which
            ]
            getattr(found, part)[value] = row.issues
    return found


def get_issue(session: Session, issue_id: int) -> IssueLine:
    """A live issue; raises NotFound."""
    row = session.execute(_lines().where(Issue.id == issue_id)).one_or_none()
    if row is None:
        raise NotFound("issue", issue_id)
    return IssueLine(**row._mapping)


def list_issues_by_id(session: Session, issue_ids: Sequence[int]) -> list[IssueLine]:
    """The live ones of these issues, in the order given."""
    found = {row.id: IssueLine(**row._mapping) for row in session.execute(_lines().where(Issue.id.in_(issue_ids)))}
    return [found[one] for one in issue_ids if one in found]


def count_unverified(session: Session, theme_id: int) -> int:
    """How many live issues of a theme are not counted, since their quote was not found in the ticket."""
    which = (Issue.theme_id == theme_id, Issue.retired_at.is_(None), ~Issue.quote_verified)
    return session.scalar(select(func.count()).select_from(Issue).where(*which)) or 0


def list_issues_of_ticket(session: Session, ticket_id: int) -> list[IssueLine]:
    """The live issues of a ticket in the order of their quotes."""
    query = _lines().where(Issue.ticket_id == ticket_id).order_by(Issue.quote_start, Issue.id)
    return [IssueLine(**row._mapping) for row in session.execute(query)]
