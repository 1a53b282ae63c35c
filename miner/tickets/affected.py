"""Who reported: customers with what they pay, when they reported, what they said last, and what is still open."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, Subquery, case, func, select, true
from sqlalchemy.orm import Session

from miner.issues.scope import Scope, conditions, is_open, joined, of_customer, of_ticket
from miner.models import Customer, Issue, Ticket
from miner.paging import behind, format_key, parse_key

SORTS = ("revenue", "open", "recent")


@dataclass(frozen=True)
class CustomerLine:
    """A customer in a list; what is not known is None.

    `reports`, the times, `quote` (the latest, with its issue and ticket) and `open_tickets` are of the scope; a
    customer without a report in it has none. `key` is what the next page starts behind.
    """

    id: int
    name: str
    kind: str
    source: str
    plan: str | None
    segment: str | None
    revenue: Decimal | None
    currency: str | None
    owner: str | None
    renewal_date: dt.date | None
    reports: int
    first_report_at: dt.datetime | None
    last_report_at: dt.datetime | None
    open_tickets: int
    quote: str | None
    issue_id: int | None
    ticket_id: int | None
    key: str


@dataclass(frozen=True)
class Affected:
    """A page of customers, and of all pages how many there are, and of how many plan or revenue is not known.

    Revenue counts as not known where it is in another currency than most, too: it is in no sum.
    """

    rows: list[CustomerLine]
    total: int
    plan_unknown: int = 0
    revenue_unknown: int = 0


def list_affected(
    session: Session,
    *,
    scope: Scope,
    sort: str = "revenue",
    after: str | None = None,
    limit: int = 50,
    revenue_unknown: bool = False,
    named: str | None = None,
) -> Affected:
    """The customers of a scope's reports, each once; a scope that asks for no reports gives all that have a ticket.

    revenue: the highest first, other currencies than most customers' and unknown ones last, the latest report first
    among equals. open: open tickets, then revenue. recent: latest report. `revenue_unknown` keeps those whose figure is
    not in the sums, `named` those with these letters in their name. Raises InvalidArguments for a key that no page gave
    out.
    """
    ranked, width = _ranked(scope, sort, revenue_unknown, named)
    places = [ranked.c[f"sorted{place}"] for place in range(width)]
    page = select(ranked).order_by(*(place.desc() for place in places)).limit(limit)
    if key := parse_key(after, width=width):
        page = page.where(behind(places, key))
    listed = page.subquery("listed")
    said = _latest_quote(scope, listed)
    query = select(listed, said).select_from(listed.outerjoin(said, true()))
    rows = session.execute(query.order_by(*(listed.c[place.name].desc() for place in places))).all()
    if not rows:
        return Affected([], 0)
    return Affected([_line(row._mapping, width) for row in rows], *(rows[0]._mapping[name] for name in _TOTALS))


def main_currency() -> ScalarSelect[str | None]:
    """The currency that most customers' figures are in; NULL where most have none, or nobody has a figure."""
    return (
        select(Customer.currency)
        .where(Customer.revenue.is_not(None))
        .group_by(Customer.currency)
        .order_by(func.count().desc(), Customer.currency)
        .limit(1)
        .scalar_subquery()
    )


_TOTALS = ("total", "plan_unknown", "revenue_unknown")
_COLUMNS = ("id", "kind", "source", "plan", "segment", "revenue", "currency", "owner", "renewal_date")


def _ranked(scope: Scope, sort: str, revenue_unknown: bool, named: str | None) -> tuple[Subquery, int]:
    counted = _reporting(scope) if asks_for_reports(scope) else _everybody(scope)
    priced = Customer.revenue.is_not(None) & Customer.currency.is_not_distinct_from(main_currency())
    revenue = case((priced, Customer.revenue), else_=-1)
    last = func.coalesce(func.extract("epoch", counted.c.last_report_at), 0)
    formula: dict[str, list[ColumnElement[Any]]] = {
        "revenue": [revenue, last],
        "open": [counted.c.open_tickets, revenue, last],
        "recent": [last],
    }
    order = [*formula[sort], -Customer.id]
    name = func.coalesce(Customer.name, Customer.external_key)
    query = (
        select(
            *(getattr(Customer, column) for column in _COLUMNS),
            name.label("name"),
            counted.c.reports,
            counted.c.first_report_at,
            counted.c.last_report_at,
            counted.c.open_tickets,
            func.count().over().label("total"),
            func.count().filter(Customer.plan.is_(None)).over().label("plan_unknown"),
            func.count().filter(~priced).over().label("revenue_unknown"),
            *(column.label(f"sorted{place}") for place, column in enumerate(order)),
        )
        .join(counted, counted.c.customer_id == Customer.id)
        .where(*of_customer(scope))
    )
    if revenue_unknown:
        query = query.where(~priced)
    if named:
        query = query.where(name.icontains(named, autoescape=True))
    return query.subquery("ranked"), len(order)


def asks_for_reports(scope: Scope) -> bool:
    """Whether the scope says more than which customers are meant."""
    return replace(scope, plan=None, segment=None, customer=None) != Scope()


def _reporting(scope: Scope) -> Subquery:
    return _reports(conditions(scope), func.count(Issue.ticket_id.distinct()).filter(is_open())).subquery("reporting")


def _reports(narrowed: list[ColumnElement[bool]], *more: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Ticket.customer_id,
            func.count().label("reports"),
            func.min(Issue.occurred_at).label("first_report_at"),
            func.max(Issue.occurred_at).label("last_report_at"),
            *(column.label("open_tickets") for column in more),
        )
        .select_from(joined())
        .where(*narrowed, Ticket.customer_id.is_not(None))
        .group_by(Ticket.customer_id)
    )


def _everybody(scope: Scope) -> Subquery:
    """Everybody with a ticket that is still here, with all of their open tickets, reports or none."""
    mine = (
        select(Ticket.customer_id, func.count().filter(is_open()).label("open_tickets"))
        .where(Ticket.deleted_at.is_(None), Ticket.customer_id.is_not(None))
        .group_by(Ticket.customer_id)
    )
    if scope.customer is not None:
        mine = mine.where(*of_ticket(scope))
    tickets, reports = mine.subquery("mine"), _reports(conditions(scope)).subquery("reported")
    return (
        select(
            tickets.c.customer_id,
            tickets.c.open_tickets,
            func.coalesce(reports.c.reports, 0).label("reports"),
            reports.c.first_report_at,
            reports.c.last_report_at,
        )
        .select_from(tickets.outerjoin(reports, reports.c.customer_id == tickets.c.customer_id))
        .subquery("everybody")
    )


def _latest_quote(scope: Scope, listed: Subquery) -> Any:
    return (
        select(Issue.quote, Issue.id.label("issue_id"), Issue.ticket_id)
        .select_from(joined())
        .where(*conditions(scope), Ticket.customer_id == listed.c.id)
        .order_by(Issue.occurred_at.desc(), Issue.id.desc())
        .limit(1)
        .correlate(listed)
        .lateral("said")
    )


def _line(row: Any, width: int) -> CustomerLine:
    values = {name: value for name, value in row.items() if not name.startswith("sorted") and name not in _TOTALS}
    return CustomerLine(**values, key=format_key([row[f"sorted{place}"] for place in range(width)]))
