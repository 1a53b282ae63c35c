"""Themes in the order of a stated formula, with their figures: what the list of themes, its API and its export read.

A theme's numbers are of the reports within scope and window. Where these narrow anything, a theme without such a report
is not in the list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Subquery, func, select
from sqlalchemy.orm import Session

from miner.issues.scope import Scope, conditions, of_theme
from miner.models import Theme
from miner.paging import behind, format_key, parse_key
from miner.themes.windows import Figures, Window, per_customer, per_theme

SORTS = ("biggest", "valuable", "newest", "latest")
EVER = Window(dt.datetime(1, 1, 2, tzinfo=dt.UTC), dt.datetime(9999, 1, 1, tzinfo=dt.UTC))
_COUNTS = ("reports", "reports_before", "customers", "customers_before", "reports_without_customer",
           "revenue_unknown", "open_tickets")  # fmt: skip


@dataclass(frozen=True)
class ThemeLine:
    """A theme in a list; `figures` are without plans, `key` is what the next page starts behind."""

    id: int
    name: str
    type: str | None
    area: str | None
    status: str
    owner: str | None
    issue_count: int
    first_seen_at: dt.datetime | None
    last_seen_at: dt.datetime | None
    flag: str | None
    flagged_at: dt.datetime | None
    trend_sentence: str
    trend_numbers: dict[str, Any]
    judged_at: dt.datetime | None
    latest: dt.datetime | None
    figures: Figures
    key: str


@dataclass(frozen=True)
class Ranking:
    """A page of themes, and how many there are on all of them."""

    rows: list[ThemeLine]
    total: int


_OF_THEME = [one.name for one in fields(ThemeLine) if one.name not in ("latest", "figures", "key")]


def rank_themes(
    session: Session,
    *,
    scope: Scope,
    before: Window | None = None,
    sort: str = "biggest",
    by_reports: bool = False,
    text: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Ranking:
    """Living themes, sorted by one of SORTS; `text` is looked for in their names.

    biggest: customers, then the worst severity, then reports; with `by_reports` (nobody knows who wrote) reports, then
    severity. valuable: known revenue, then customers. newest: first report. latest: latest report. `before` is the
    window that the scope's time is compared with. Raises InvalidArguments for a key that no page gave out.
    """
    counted = _count(scope, before)
    order = _order(counted, sort, by_reports)
    table = Theme.__table__.join(counted, counted.c.theme_id == Theme.id, isouter=not _narrows(scope, before))
    query = select(
        *(getattr(Theme, name) for name in _OF_THEME),
        *(func.coalesce(counted.c[name], 0).label(name) for name in _COUNTS),
        counted.c.revenue,
        counted.c.currency,
        func.coalesce(counted.c.latest, Theme.last_seen_at).label("latest"),
        func.count().over().label("total"),
        *(column.label(f"sorted{place}") for place, column in enumerate(order)),
    ).select_from(table)
    query = query.where(Theme.retired_at.is_(None), *of_theme(scope))
    if isinstance(scope.theme, int):
        query = query.where(Theme.id == scope.theme)
    if text:
        query = query.where(Theme.name.icontains(text, autoescape=True))
    ranked = query.subquery("ranked")
    places = [ranked.c[f"sorted{place}"] for place in range(len(order))]
    page = select(ranked).order_by(*(place.desc() for place in places)).limit(limit)
    if key := parse_key(after, width=len(order)):
        page = page.where(behind(places, key))
    rows = session.execute(page).all()
    return Ranking([_line(row._mapping, len(order)) for row in rows], rows[0].total if rows else 0)


def _count(scope: Scope, before: Window | None) -> Subquery:
    now = Window(scope.starts or EVER.starts, scope.ends or EVER.ends)
    customers = per_customer(conditions(replace(scope, starts=None, ends=None)), now, before)
    found = per_theme(customers)
    return found.add_columns(
        func.max(customers.c.worst).label("worst"), func.max(customers.c.latest).label("latest")
    ).subquery("counted")


def _narrows(scope: Scope, before: Window | None) -> bool:
    """Whether a theme may have issues of which none is meant."""
    return before is not None or replace(scope, theme=None, status=None, flag=None) != Scope()


def _order(counted: Subquery, sort: str, by_reports: bool) -> Sequence[Any]:
    one = counted.c
    customers, reports, worst = (func.coalesce(column, 0) for column in (one.customers, one.reports, one.worst))
    formula: dict[str, list[Any]] = {
        "biggest": [reports, worst, Theme.issue_count] if by_reports else [customers, worst, reports],
        "valuable": [func.coalesce(one.revenue, -1), customers, reports],
        "newest": [_seconds(Theme.first_seen_at)],
        "latest": [_seconds(func.coalesce(one.latest, Theme.last_seen_at))],
    }
    return [*formula[sort], -Theme.id]


def _seconds(when: Any) -> ColumnElement[Any]:
    """To the microsecond; unknown comes last."""
    return func.coalesce(func.extract("epoch", when), 0)


def _line(row: Any, width: int) -> ThemeLine:
    figures = Figures(**{name: row[name] for name in (*_COUNTS, "revenue", "currency")})
    key = format_key([row[f"sorted{place}"] for place in range(width)])
    return ThemeLine(**{name: row[name] for name in _OF_THEME}, latest=row["latest"], figures=figures, key=key)
