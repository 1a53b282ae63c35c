"""What pages and the API read about tickets, conversations and customers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, literal, literal_column, select, text, tuple_
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.issues.scope import (
    EVERYTHING,
    SIMPLE,
    Scope,
    conditions,
    issues_with_themes,
    of_customer,
    of_ticket,
)
from miner.models import Analysis, Customer, Issue, Ticket, TicketComment
from miner.paging import Count, count_rows
from miner.tickets.text import BETWEEN

# Up to here a table is counted exactly; beyond it the planner's estimate is shown as what it is.
COUNTED_EXACTLY = 100_000
# As the index tickets_words_idx has it, to the letter. A tsvector holds at most 1 MB.
_WORDS: Any = literal_column("to_tsvector('simple'::regconfig, left(tickets.text, 100000))")


@dataclass(frozen=True)
class TicketCounts:
    """How many tickets there are and how many wait to be read; `exact` is False where `total` is an estimate."""

    total: int
    pending: int
    sample: int
    exact: bool

    @property
    def analyzed_share(self) -> float | None:
        """0..1 of the tickets read in their present version; None without tickets."""
        return None if not self.total else max(0.0, 1 - self.pending / self.total)


@dataclass(frozen=True)
class TicketLine:
    """A ticket in a list: no text, and how many live issues were found in it (None: not read yet)."""

    id: int
    source: str
    source_id: str
    subject: str
    status: str
    created_at: dt.datetime
    original_created_at: dt.datetime | None
    zendesk_ticket_id: int | None
    url: str | None
    customer_id: int | None
    customer: str | None
    plan: str | None
    analyzed_at: dt.datetime | None
    pending: bool
    issues: int


def shown_subject() -> ColumnElement[str]:
    """The subject as it stands in the text, without personal data: one line, and a blank line follows."""
    return case((Ticket.subject == "", ""), else_=func.split_part(Ticket.text, BETWEEN, 1))


def _pending() -> ColumnElement[bool]:
    return Ticket.deleted_at.is_(None) & Ticket.analyzed_text_hash.is_distinct_from(Ticket.text_hash)


def count_tickets(session: Session) -> TicketCounts:
    """The counts behind "share analysed", in one statement that stays quick in a table of any size."""
    row = session.execute(
        text("""
            SELECT
              (SELECT count(*) FROM (SELECT FROM tickets WHERE deleted_at IS NULL LIMIT :most + 1)
                 AS bounded) AS counted,
              (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'tickets'::regclass) AS estimate,
              (SELECT count(*) FROM (SELECT FROM tickets WHERE deleted_at IS NULL
                 AND analyzed_text_hash IS DISTINCT FROM text_hash LIMIT :most + 1) AS bounded) AS pending,
              (SELECT count(*) FROM tickets WHERE source = 'sample') AS sample"""),
        {"most": COUNTED_EXACTLY},
    ).one()
    exact = row.counted <= COUNTED_EXACTLY
    total = row.counted if exact else max(row.counted, row.estimate)
    return TicketCounts(total=total, pending=row.pending, sample=row.sample, exact=exact)


def list_tickets(
    session: Session,
    *,
    scope: Scope = EVERYTHING,
    state: str | None = None,
    after: tuple[dt.datetime, int] | None = None,
    limit: int = 50,
) -> list[TicketLine]:
    """The newest tickets first; `after` is the last line of the page before.

    `state` is pending (not read in its present version), analyzed, reports (with one), or None. What the scope says of
    issues and themes asks for a ticket with such a report, and its time is that of the report then; else it is that of
    the ticket. Its `text` is looked for in all that was written (to the public), in the first 100,000 characters.
    """
    customer = func.coalesce(Customer.name, Customer.external_key)
    issues = (
        select(func.count())
        .where(Issue.ticket_id == Ticket.id, Issue.retired_at.is_(None))
        .correlate(Ticket)
        .scalar_subquery()
    )
    query = (
        select(
            Ticket.id,
            Ticket.source,
            Ticket.source_id,
            shown_subject().label("subject"),
            Ticket.status,
            Ticket.created_at,
            Ticket.original_created_at,
            Ticket.zendesk_ticket_id,
            Ticket.url,
            Ticket.customer_id,
            customer.label("customer"),
            Customer.plan,
            Ticket.analyzed_at,
            _pending().label("pending"),
            issues.label("issues"),
        )
        .outerjoin(Customer, Customer.id == Ticket.customer_id)
        .where(*_wanted(scope, state))
        .order_by(Ticket.created_at.desc(), Ticket.id.desc())
        .limit(limit)
    )
    if after:
        query = query.where(tuple_(Ticket.created_at, Ticket.id) < tuple_(literal(after[0]), literal(after[1])))
    return [TicketLine(**row._mapping) for row in session.execute(query)]


def count_listed(session: Session, *, scope: Scope = EVERYTHING, state: str | None = None) -> Count:
    """How many tickets `list_tickets` has, exactly up to what anybody reads through."""
    query = select(Ticket.id).outerjoin(Customer, Customer.id == Ticket.customer_id).where(*_wanted(scope, state))
    return count_rows(session, query)


def _wanted(scope: Scope, state: str | None) -> list[ColumnElement[bool]]:
    found = [Ticket.deleted_at.is_(None), *of_ticket(scope), *of_customer(scope)]
    if state in ("pending", "analyzed"):
        found.append(_pending() if state == "pending" else ~_pending())
    if scope.text:
        found.append(_WORDS.op("@@")(func.websearch_to_tsquery(SIMPLE, scope.text)))
    reports = replace(scope, text=None, brand=None, customer=None, plan=None, segment=None, open=False)
    if state == "reports" or replace(reports, starts=None, ends=None) != EVERYTHING:
        reported = select(Issue.ticket_id).select_from(issues_with_themes()).where(*conditions(reports))
        return [*found, Ticket.id.in_(reported)]
    if scope.starts is not None:
        found.append(Ticket.created_at >= scope.starts)
    if scope.ends is not None:
        found.append(Ticket.created_at < scope.ends)
    return found


def get_ticket(session: Session, ticket_id: int) -> Ticket:
    """The ticket with its text; raises NotFound, also once the source has deleted it."""
    ticket = session.get(Ticket, ticket_id)
    if ticket is None or ticket.deleted_at is not None:
        raise NotFound("ticket", ticket_id)
    return ticket


def list_comments(session: Session, ticket_id: int, *, limit: int = 500) -> list[TicketComment]:
    """The conversation in order, at most `limit` messages."""
    return list(
        session.scalars(
            select(TicketComment)
            .where(TicketComment.ticket_id == ticket_id)
            .order_by(TicketComment.position)
            .limit(limit)
        )
    )


def list_analyses(session: Session, ticket_id: int, *, limit: int = 20) -> list[Analysis]:
    """Who read the ticket, the latest reading first."""
    return list(
        session.scalars(
            select(Analysis).where(Analysis.ticket_id == ticket_id).order_by(Analysis.id.desc()).limit(limit)
        )
    )


def find_customer(session: Session, customer_id: int | None) -> Customer | None:
    return session.get(Customer, customer_id) if customer_id is not None else None


def has_customers(session: Session) -> bool:
    """Whether any source told who its requesters are."""
    return bool(session.scalar(select(exists(select(Customer.id)))))
