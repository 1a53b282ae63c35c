"""Where a theme is reported: by the platform, version and kind of user that its tickets name."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from miner.issues.scope import Scope, conditions, fact, joined

NAMES = ("platform", "version", "user_segment")
MOST = 8  # values of each that are shown


@dataclass(frozen=True)
class Spread:
    """How often a theme's reports name each value of a fact, the most frequent first.

    `others` are the reports with a value beyond those shown, `unknown` those that name none.
    """

    values: list[tuple[str, int]]
    others: int
    unknown: int


def count_spreads(session: Session, theme_id: int) -> dict[str, Spread]:
    """{name of the fact: its spread}, of those that any report names; one statement."""
    scope = conditions(Scope(theme=theme_id))
    counted = [
        select(literal(name).label("name"), fact(name).label("value"), func.count().label("reports"))
        .select_from(joined())
        .where(*scope)
        .group_by(fact(name))
        for name in NAMES
    ]
    found: dict[str, dict[str | None, int]] = {name: {} for name in NAMES}
    for row in session.execute(union_all(*counted)):
        found[row.name][row.value] = row.reports
    return {name: _spread(values) for name, values in found.items() if any(value is not None for value in values)}


def _spread(values: dict[str | None, int]) -> Spread:
    named = sorted(((value, count) for value, count in values.items() if value), key=lambda pair: (-pair[1], pair[0]))
    return Spread(named[:MOST], sum(count for _, count in named[MOST:]), values.get(None, 0))
