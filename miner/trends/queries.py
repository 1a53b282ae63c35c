"""What pages read about trends: the counts behind charts, the latest look, and the flags of a theme."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from miner.models import ThemeDay, ThemeEpisode, TrendLook


def count_by_week(
    session: Session, theme_ids: Sequence[int], *, first_monday: dt.date, weeks: int
) -> dict[int, list[int]]:
    """Reports of each theme in each of `weeks` weeks from `first_monday`; weeks without a report are 0."""
    counts = {theme_id: [0] * weeks for theme_id in theme_ids}
    if not counts:
        return counts
    rows = session.execute(
        text("""
            SELECT theme_id, (day - CAST(:first AS date)) / 7 AS week, sum(reports) AS reports
            FROM theme_days
            WHERE theme_id = ANY(:ids) AND day >= :first AND day < CAST(:first AS date) + 7 * CAST(:weeks AS integer)
            GROUP BY theme_id, week"""),
        {"ids": list(theme_ids), "first": first_monday, "weeks": weeks},
    )
    for row in rows:
        counts[row.theme_id][row.week] = int(row.reports)
    return counts


def find_last_day(session: Session) -> dt.date | None:
    """The latest day on which any theme was reported."""
    return session.scalar(select(func.max(ThemeDay.day)))


def find_look(session: Session) -> TrendLook | None:
    """The latest look of the trend rules; None: they have not looked yet."""
    return session.get(TrendLook, 1)


def list_episodes(session: Session, theme_id: int, *, limit: int = 20) -> list[ThemeEpisode]:
    """The flags that a theme had, the latest first."""
    return list(
        session.scalars(
            select(ThemeEpisode)
            .where(ThemeEpisode.theme_id == theme_id)
            .order_by(ThemeEpisode.started_on.desc(), ThemeEpisode.id.desc())
            .limit(limit)
        )
    )


def list_episodes_of(session: Session, theme_ids: Sequence[int], *, each: int) -> dict[int, list[ThemeEpisode]]:
    """The latest `each` flags of every one of the themes, the latest first; one without any has an empty list."""
    place = func.row_number().over(
        partition_by=ThemeEpisode.theme_id, order_by=(ThemeEpisode.started_on.desc(), ThemeEpisode.id.desc())
    )
    ranked = select(ThemeEpisode.id, place.label("place")).where(ThemeEpisode.theme_id.in_(theme_ids)).subquery()
    found: dict[int, list[ThemeEpisode]] = {theme_id: [] for theme_id in theme_ids}
    for row in session.scalars(
        select(ThemeEpisode)
        .join(ranked, ranked.c.id == ThemeEpisode.id)
        .where(ranked.c.place <= each)
        .order_by(ThemeEpisode.theme_id, ranked.c.place)
    ):
        found[row.theme_id].append(row)
    return found
