"""What pages read about trends."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from miner.models import Theme, ThemeDay
from miner.trends import queries
from tests.factories import make_theme

MONDAY = dt.date(2026, 11, 16)
STARTS = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
ENDS = STARTS + dt.timedelta(days=7)


def theme(session: Session, now: int = 0, before: int = 0, **columns: Any) -> Theme:
    """A theme with reports on the week's Wednesday and on the last Sunday of the week before."""
    if columns.get("flag"):
        columns.setdefault("flagged_at", STARTS)
    made = make_theme(session, **columns)
    for count, day in ((now, 2), (before, -1)):
        if count:
            session.add(ThemeDay(theme_id=made.id, day=MONDAY + dt.timedelta(days=day), reports=count))
    session.flush()
    return made


def test_weeks_without_a_report_are_zero(session: Session) -> None:
    made, silent = theme(session, 2, 5), theme(session)
    first = MONDAY - dt.timedelta(weeks=2)
    counts = queries.count_by_week(session, [made.id, silent.id], first_monday=first, weeks=3)
    assert counts == {made.id: [0, 5, 2], silent.id: [0, 0, 0]}
    assert queries.count_by_week(session, [], first_monday=first, weeks=3) == {}


def test_the_last_day_is_the_latest_of_any_theme(session: Session) -> None:
    assert queries.find_last_day(session) is None
    theme(session, 1, 1)
    assert queries.find_last_day(session) == MONDAY + dt.timedelta(days=2)
