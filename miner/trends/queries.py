"""What pages read about weeks: which themes belong on the page of a week, and the counts behind charts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from miner.models import ThemeDay, ThemeEpisode, TrendLook

SECTIONS = ("new", "worse", "biggest", "fading")


@dataclass(frozen=True)
class WeekLine:
    """A theme on the page of a week, with its latest verified quote up to then (None: no quote yet)."""

    section: str
    id: int
    name: str
    type: str | None
    area: str | None
    flag: str | None
    sentence: str
    now: int
    before: int
    quote: str | None
    issue_id: int | None
    ticket_id: int | None


@dataclass(frozen=True)
class WeekTotals:
    """Reports of the week and of the week before, and how many themes were reported."""

    now: int
    before: int
    themes: int


# A theme stands in one section only. The present week has just begun, so its order counts the week before as well.
# In the present week its flag decides; in an earlier week the flag counts if it was
# raised in that week, and a theme is new if it was first seen then.
_SECTIONS = text("""
    WITH counts AS (
      SELECT theme_id,
        coalesce(sum(reports) FILTER (WHERE day >= :monday), 0) AS now,
        coalesce(sum(reports) FILTER (WHERE day < :monday), 0) AS before
      FROM theme_days WHERE day >= CAST(:monday AS date) - 7 AND day < CAST(:monday AS date) + 7
      GROUP BY theme_id),
    placed AS (
      SELECT theme.id, theme.name, theme.type, theme.area, theme.flag, theme.trend_sentence AS sentence,
        coalesce(counts.now, 0) AS now, coalesce(counts.before, 0) AS before,
        CASE
          WHEN CASE WHEN :present THEN theme.flag = 'new'
            ELSE theme.first_seen_at >= :starts AND theme.first_seen_at < :ends END THEN 'new'
          WHEN theme.flag IN ('rising', 'spike', 'came_back')
            AND (:present OR theme.flagged_at >= :starts AND theme.flagged_at < :ends) THEN 'worse'
          WHEN theme.flag IN ('fading', 'faded')
            AND (theme.flagged_at >= CAST(:starts AS timestamptz) - interval '7 days' AND theme.flagged_at < :ends
              OR :present AND theme.flag = 'fading') THEN 'fading'
          WHEN counts.now + counts.before > 0 THEN 'biggest'
        END AS section
      FROM themes AS theme LEFT JOIN counts ON counts.theme_id = theme.id
      WHERE theme.retired_at IS NULL AND (theme.flag IS NOT NULL OR counts.theme_id IS NOT NULL)),
    ranked AS (
      SELECT *, row_number() OVER (PARTITION BY section
        ORDER BY CASE WHEN :present THEN now + before ELSE now END DESC, now DESC, before DESC, id) AS place
      FROM placed WHERE section IS NOT NULL)
    SELECT ranked.section, ranked.id, ranked.name, ranked.type, ranked.area, ranked.flag, ranked.sentence,
      ranked.now, ranked.before, quoted.quote, quoted.issue_id, quoted.ticket_id
    FROM ranked LEFT JOIN LATERAL (
      SELECT issue.id AS issue_id, issue.ticket_id, issue.quote FROM issues AS issue
      WHERE issue.theme_id = ranked.id AND issue.retired_at IS NULL AND issue.quote_verified
        AND issue.occurred_at < :ends
      ORDER BY issue.occurred_at DESC, issue.id DESC LIMIT 1) AS quoted ON true
    WHERE ranked.place <= :most
    ORDER BY ranked.section, ranked.place""")


def list_week(
    session: Session, monday: dt.date, *, starts: dt.datetime, ends: dt.datetime, present: bool, most: int = 5
) -> dict[str, list[WeekLine]]:
    """The themes of the week from `monday`, by section, at most `most` in each; empty sections are left out.

    `starts` and `ends` are the week's instants in the workspace's zone, `present` says that it is the current week.
    """
    rows = session.execute(
        _SECTIONS, {"monday": monday, "starts": starts, "ends": ends, "present": present, "most": most}
    )
    found: dict[str, list[WeekLine]] = {}
    for row in rows:
        found.setdefault(row.section, []).append(WeekLine(**row._mapping))
    return {section: found[section] for section in SECTIONS if section in found}


def count_week(session: Session, monday: dt.date, *, starts: dt.datetime, ends: dt.datetime) -> WeekTotals:
    """The totals of the week from `monday` and of the week before it."""
    row = session.execute(
        text("""
            SELECT count(*) FILTER (WHERE occurred_at >= :starts) AS now,
              count(*) FILTER (WHERE occurred_at < :starts) AS before,
              (SELECT count(DISTINCT theme_id) FROM theme_days
               WHERE day >= CAST(:monday AS date) AND day < CAST(:monday AS date) + 7 AND reports > 0) AS themes
            FROM issues WHERE retired_at IS NULL AND quote_verified AND occurred_at < :ends
              AND occurred_at >= CAST(:starts AS timestamptz) - interval '7 days'"""),
        {"monday": monday, "starts": starts, "ends": ends},
    ).one()
    return WeekTotals(now=row.now, before=row.before, themes=row.themes)


def count_customers(
    session: Session, theme_ids: Sequence[int], *, starts: dt.datetime, ends: dt.datetime
) -> dict[int, int]:
    """Distinct known customers of each theme between two instants."""
    rows = session.execute(
        text("""
            SELECT issue.theme_id, count(DISTINCT ticket.customer_id) AS customers
            FROM issues AS issue JOIN tickets AS ticket ON ticket.id = issue.ticket_id
            WHERE issue.theme_id = ANY(:ids) AND issue.retired_at IS NULL AND issue.quote_verified
              AND issue.occurred_at >= :starts AND issue.occurred_at < :ends
            GROUP BY issue.theme_id"""),
        {"ids": list(theme_ids), "starts": starts, "ends": ends},
    )
    return {row.theme_id: row.customers for row in rows}


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
