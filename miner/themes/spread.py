"""When and where a theme is reported: by week, and by the platform, version and kind of user that its tickets name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Date, cast, func, literal, select, union_all
from sqlalchemy.orm import Session

from miner.issues.scope import UNKNOWN, Scope, conditions, fact, joined, lower
from miner.models import Issue

NAMES = ("platform", "version", "user_segment")
MOST = 60  # values of each that are shown


@dataclass(frozen=True)
class Spread:
    """How often a theme's reports name each value of a fact, the most frequent first.

    `more`: there are rarer values still; `unknown` are the reports that name none.
    """

    values: list[tuple[str, int]]
    more: bool
    unknown: int


def count_spreads(session: Session, theme_id: int) -> dict[str, Spread]:
    """{name of the fact: its spread}, of those that any report names; one statement."""
    named = (
        select(*(fact(name).label(name) for name in NAMES))
        .select_from(joined())
        .where(*conditions(Scope(theme=theme_id)))
        .cte("named")
    )
    counted = [
        select(literal(name).label("name"), named.c[name].label("value"), func.count().label("reports")).group_by(
            named.c[name]
        )
        for name in NAMES
    ]
    found: dict[str, dict[str | None, int]] = {name: {} for name in NAMES}
    for row in session.execute(union_all(*counted)):
        found[row.name][row.value] = row.reports
    return {name: _spread(values) for name, values in found.items() if any(value is not None for value in values)}


def _spread(values: dict[str | None, int]) -> Spread:
    named = sorted(((value, count) for value, count in values.items() if value), key=lambda pair: (-pair[1], pair[0]))
    return Spread(named[:MOST], len(named) > MOST, values.get(None, 0))


def list_user_reports(session: Session, theme_id: int, *, user: str) -> list[tuple[dt.datetime, int]]:
    """(when, issue id) of a theme's reports by that kind of user, "unknown": of none named; the latest first."""
    named = fact("user_segment").is_(None) if user == UNKNOWN else fact("user_segment") == lower(user)
    rows = session.execute(
        select(Issue.occurred_at, Issue.id)
        .select_from(joined())
        .where(*conditions(Scope(theme=theme_id)), named)
        .order_by(Issue.occurred_at.desc(), Issue.id.desc())
    )
    return [(row.occurred_at, row.id) for row in rows]


def count_weeks(session: Session, theme_id: int, *, first: dt.date, weeks: int, zone: ZoneInfo) -> list[int]:
    """Reports of a theme in each of `weeks` weeks from the Monday `first`, in days of the workspace's zone."""
    starts = dt.datetime.combine(first, dt.time(), zone)
    ends = dt.datetime.combine(first + dt.timedelta(weeks=weeks), dt.time(), zone)
    day = cast(func.timezone(zone.key, Issue.occurred_at), Date)
    weeks_of = (
        select(((day - first) // 7).label("week"))
        .select_from(joined())
        .where(*conditions(Scope(theme=theme_id, starts=starts, ends=ends)))
        .subquery()
    )
    rows = session.execute(select(weeks_of.c.week, func.count().label("reports")).group_by(weeks_of.c.week))
    found = {row.week: row.reports for row in rows}
    return [found.get(number, 0) for number in range(weeks)]
