"""What pages and the API read about issues: always with their ticket and their theme, in one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, literal_column, select, tuple_
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.models import Issue, Theme, Ticket
from miner.tickets.queries import shown_subject

# As the index issues_words_idx has it, to the letter.
_SIMPLE: Any = literal_column("'simple'::regconfig")
_WORDS: Any = literal_column("to_tsvector('simple'::regconfig, issues.summary || ' ' || issues.quote)")


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
    ticket_subject: str
    ticket_original_created_at: dt.datetime | None
    theme_id: int | None
    theme_name: str | None
    theme_pinned: bool


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
            shown_subject().label("ticket_subject"),
            Ticket.original_created_at.label("ticket_original_created_at"),
            Issue.theme_id,
            Theme.name.label("theme_name"),
            Issue.theme_pinned,
        )
        .join(Ticket, Ticket.id == Issue.ticket_id)
        .outerjoin(Theme, Theme.id == Issue.theme_id)
        .where(Issue.retired_at.is_(None))
    )


def list_issues(
    session: Session,
    *,
    theme_id: int | None = None,
    type_: str | None = None,
    severity: str | None = None,
    text: str | None = None,
    placed: bool | None = None,
    after: tuple[dt.datetime, int] | None = None,
    limit: int = 50,
) -> list[IssueLine]:
    """Live issues, the latest first; `after` is the last line of the page before.

    `text` are words that stand in summary and quote ("..." a phrase, -word excludes); `placed` False: those that are
    not yet in a theme.
    """
    query = _lines().order_by(Issue.occurred_at.desc(), Issue.id.desc()).limit(limit)
    if theme_id is not None:
        query = query.where(Issue.theme_id == theme_id)
    if type_ is not None:
        query = query.where(Issue.type == type_)
    if severity is not None:
        query = query.where(Issue.severity == severity)
    if text:
        query = query.where(_WORDS.op("@@")(func.websearch_to_tsquery(_SIMPLE, text)))
    if placed is not None:
        query = query.where(Issue.theme_id.is_not(None) if placed else Issue.theme_id.is_(None))
    if after:
        query = query.where(tuple_(Issue.occurred_at, Issue.id) < tuple_(literal(after[0]), literal(after[1])))
    return [IssueLine(**row._mapping) for row in session.execute(query)]


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


def count_unplaced(session: Session) -> int:
    """How many reports (live issues with a verified quote) are not yet in a theme."""
    which = (Issue.retired_at.is_(None), Issue.quote_verified, Issue.theme_id.is_(None))
    return session.scalar(select(func.count()).select_from(Issue).where(*which)) or 0


def count_unverified(session: Session, theme_id: int) -> int:
    """How many live issues of a theme are not counted, since their quote was not found in the ticket."""
    which = (Issue.theme_id == theme_id, Issue.retired_at.is_(None), ~Issue.quote_verified)
    return session.scalar(select(func.count()).select_from(Issue).where(*which)) or 0


def list_issues_of_ticket(session: Session, ticket_id: int) -> list[IssueLine]:
    """The live issues of a ticket in the order of their quotes."""
    query = _lines().where(Issue.ticket_id == ticket_id).order_by(Issue.quote_start, Issue.id)
    return [IssueLine(**row._mapping) for row in session.execute(query)]
