"""Which customers somebody means to write to about a theme, and which were told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import InvalidArguments, NotFound
from miner.issues.scope import Scope, conditions, is_open, joined
from miner.models import CONTACT_STATES, Customer, Issue, Theme, ThemeContact, Ticket
from miner.themes.follow import lock_theme

MOST_TICKETS = 20  # of a customer that are named


@dataclass(frozen=True)
class Contact:
    """to_contact or told: who said so and when."""

    state: str
    marked_by: str
    marked_at: dt.datetime

    def is_told(self, fixed_at: dt.datetime | None) -> bool:
        """Whether the customer was told, of the fix of `fixed_at` if there is one."""
        return self.state == "told" and (fixed_at is None or self.marked_at >= fixed_at)


@dataclass(frozen=True)
class TicketRef:
    """A ticket of a customer in a theme; `number` is Zendesk's, None: it is from elsewhere."""

    id: int
    number: int | None
    url: str | None
    status: str
    open: bool


def mark_contact(session: Session, theme_id: int, *, customer_id: int, state: str, by: Actor) -> None:
    """Note that a customer is to be contacted or was told; an empty state takes the note away."""
    require(by, Role.operator, "note who was told")
    theme = lock_theme(session, theme_id)
    if state not in ("", *CONTACT_STATES):
        raise InvalidArguments({"state": f"choose one of {', '.join(CONTACT_STATES)}, or nothing"})
    if session.get(Customer, customer_id) is None:
        raise NotFound("customer", customer_id)
    row = session.get(ThemeContact, (theme.id, customer_id))
    before = {"state": row.state if row else None, "customer": customer_id}
    if state:
        values = {"state": state, "marked_by": str(by), "marked_at": func.now()}
        made = insert(ThemeContact).values(theme_id=theme.id, customer_id=customer_id, **values)
        session.execute(made.on_conflict_do_update(index_elements=["theme_id", "customer_id"], set_=values))
    elif row is not None:
        session.delete(row)
    after = {"state": state or None, "customer": customer_id}
    audit(session, by, "theme.contact", "theme", theme.id, before=before, after=after)
    session.flush()


def list_contacts(session: Session, theme_id: int, *, customer_ids: Sequence[int]) -> dict[int, Contact]:
    """{customer: what was noted} of those given."""
    rows = session.execute(
        select(ThemeContact.customer_id, ThemeContact.state, ThemeContact.marked_by, ThemeContact.marked_at).where(
            ThemeContact.theme_id == theme_id, ThemeContact.customer_id.in_(customer_ids)
        )
    )
    return {row.customer_id: Contact(row.state, row.marked_by, row.marked_at) for row in rows}


def list_ticket_refs(session: Session, theme_id: int, *, customer_ids: Sequence[int]) -> dict[int, list[TicketRef]]:
    """{customer: their tickets that report the theme}, the latest first, at most 20 each."""
    latest = (
        select(
            Ticket.customer_id,
            Ticket.id,
            Ticket.zendesk_ticket_id,
            Ticket.url,
            Ticket.status,
            is_open().label("open"),
            func.row_number().over(partition_by=Ticket.customer_id, order_by=Ticket.id.desc()).label("place"),
        )
        .join(Issue, Issue.ticket_id == Ticket.id)
        .where(
            Issue.theme_id == theme_id,
            Issue.retired_at.is_(None),
            Issue.quote_verified,
            Ticket.customer_id.in_(customer_ids),
        )
        .group_by(Ticket.id)
        .subquery()
    )
    found: dict[int, list[TicketRef]] = {}
    for row in session.execute(select(latest).where(latest.c.place <= MOST_TICKETS).order_by(latest.c.id.desc())):
        ref = TicketRef(row.id, row.zendesk_ticket_id, row.url, row.status, row.open)
        found.setdefault(row.customer_id, []).append(ref)
    return found


def count_told(session: Session, theme: Theme) -> int:
    """How many of those who report the theme were told, of its fix if there is one."""
    query = select(func.count()).where(ThemeContact.theme_id == theme.id, ThemeContact.state == "told")
    if theme.fixed_at is not None:
        query = query.where(ThemeContact.marked_at >= theme.fixed_at)
    reported = (
        select(Issue.id)
        .join(Ticket, Ticket.id == Issue.ticket_id)
        .where(
            Issue.theme_id == theme.id,
            Issue.retired_at.is_(None),
            Issue.quote_verified,
            Ticket.customer_id == ThemeContact.customer_id,
        )
    )
    return session.scalar(query.where(reported.exists())) or 0


def count_unknown(session: Session, theme_id: int) -> int:
    """Reports of the theme whose customer is unknown."""
    scope = conditions(Scope(theme=theme_id, customer="unknown"))
    return session.scalar(select(func.count()).select_from(joined()).where(*scope)) or 0
