"""The figures of themes in a window of time: who reported them how often, what they pay, what is still open.

A customer counts once in a theme and a window, however often they wrote. What is not known is said, never counted as 0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import Session

from miner.issues.scope import Scope, conditions, is_open, joined
from miner.models import SEVERITIES, Customer, Issue, Ticket
from miner.tickets.affected import main_currency

# The more severe, the higher.
_RANK = case(*((Issue.severity == name, rank) for rank, name in enumerate(reversed(SEVERITIES), start=1)), else_=0)


@dataclass(frozen=True)
class Window:
    """From one instant up to, but without, another; both know their zone."""

    starts: dt.datetime
    ends: dt.datetime


@dataclass(frozen=True)
class Figures:
    """What is known of a theme in a window; `*_before` are of the window it is compared with.

    `reports_without_customer` are of reports whose customer is unknown. `plans` are (plan, customers), the biggest
    first, None: unknown. `revenue` is the yearly sum of the customers whose figure is in `currency`, the one that most
    customers' figures are in (None: a figure without a currency); None: of no customer is it known.
    `revenue_unknown` are the customers without such a figure. `open_tickets` are still open at their source.
    """

    reports: int = 0
    reports_before: int = 0
    customers: int = 0
    customers_before: int = 0
    reports_without_customer: int = 0
    plans: list[tuple[str | None, int]] = field(default_factory=list)
    revenue: Decimal | None = None
    currency: str | None = None
    revenue_unknown: int = 0
    open_tickets: int = 0


def count_windows(
    session: Session,
    theme_ids: Sequence[int],
    *,
    now: Window,
    before: Window | None,
    scope: Scope | None = None,
) -> dict[int, Figures]:
    """The figures of every theme asked for, in one statement; those without a report have zeros.

    `scope` narrows the reports further; its own times do not count. Without `before` all `*_before` are 0.
    """
    found = {theme_id: Figures() for theme_id in theme_ids}
    if not found:
        return found
    narrowed = conditions(replace(scope or Scope(), starts=None, ends=None))
    asked = Issue.theme_id == func.any(cast(bindparam("theme_ids", list(found)), ARRAY(BigInteger)))
    customers = per_customer([*narrowed, asked], now, before)
    figures, plans = per_theme(customers).cte("figures"), _plans(customers)
    rows = session.execute(
        select(*figures.c, plans.c.plans).select_from(figures.outerjoin(plans, plans.c.theme_id == figures.c.theme_id))
    )
    for row in rows:
        values = {**row._mapping, "plans": [(plan, count) for plan, count in row.plans or ()]}
        theme_id = values.pop("theme_id")
        found[theme_id] = Figures(**values)
    return found


def per_customer(narrowed: Sequence[ColumnElement[bool]], now: Window, before: Window | None) -> CTE:
    """A row for every theme and customer (NULL: unknown) that reported it in one of the windows."""
    inside, earlier = _within(now), _within(before) if before else false()
    return (
        select(
            Issue.theme_id,
            Ticket.customer_id,
            Customer.plan,
            Customer.revenue,
            Customer.currency,
            func.count().filter(inside).label("now"),
            func.count().filter(earlier).label("before"),
            func.count(Issue.ticket_id.distinct()).filter(inside & is_open()).label("open_tickets"),
            func.max(_RANK).filter(inside).label("worst"),
            func.max(Issue.occurred_at).filter(inside).label("latest"),
        )
        .select_from(joined())
        .where(*narrowed, Issue.theme_id.is_not(None), or_(inside, earlier) if before else inside)
        .group_by(Issue.theme_id, Ticket.customer_id, Customer.plan, Customer.revenue, Customer.currency)
        .cte("per_customer")
    )


def per_theme(customers: CTE) -> Select[*tuple[Any, ...]]:
    """`theme_id` and the fields of Figures but for `plans`, of the rows of `per_customer`."""
    row = customers.c
    known, here = row.customer_id.is_not(None), row.now > 0
    priced = row.revenue.is_not(None) & row.currency.is_not_distinct_from(main_currency())
    return select(
        row.theme_id,
        _sum(row.now).label("reports"),
        _sum(row.before).label("reports_before"),
        func.count().filter(known & here).label("customers"),
        func.count().filter(known & (row.before > 0)).label("customers_before"),
        func.coalesce(_sum(row.now, ~known), 0).label("reports_without_customer"),
        func.sum(row.revenue).filter(here & priced).label("revenue"),
        func.min(row.currency).filter(here & priced).label("currency"),
        func.count().filter(known & here & ~priced).label("revenue_unknown"),
        _sum(row.open_tickets).label("open_tickets"),
    ).group_by(row.theme_id)


def _plans(customers: CTE) -> Subquery:
    """`plans` of each theme as JSON: how many of its customers in the window are on which plan."""
    row = customers.c
    counted = (
        select(row.theme_id, row.plan, func.count().label("customers"))
        .where(row.customer_id.is_not(None), row.now > 0)
        .group_by(row.theme_id, row.plan)
        .subquery()
    )
    pair = func.jsonb_build_array(counted.c.plan, counted.c.customers)
    ranked = aggregate_order_by(pair, counted.c.customers.desc(), counted.c.plan)
    return select(counted.c.theme_id, func.jsonb_agg(ranked).label("plans")).group_by(counted.c.theme_id).subquery()


def _within(window: Window) -> ColumnElement[bool]:
    return and_(Issue.occurred_at >= window.starts, Issue.occurred_at < window.ends)


def _sum(column: ColumnElement[Any], *narrowed: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.sum(column).filter(*narrowed) if narrowed else func.sum(column), BigInteger)
