"""Closed weeks as rows: which are missing, writing one, reading one, and what was corrected since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from miner.models import ClosedWeek
from miner.themes.windows import Figures, Window, count_windows
from miner.trends.digest import Digest, Totals, count_totals, read_digest
from miner.trends.state import DataState, find_state
from miner.weeks import Week

MOST_WEEKS = 60
LATER = dt.timedelta(days=2)  # written so long after its end, a week was not shown so while it was fresh
WAIT = dt.timedelta(days=1)  # how long a week that is over waits for its last day to be judged


@dataclass(frozen=True)
class Kept:
    """A closed week as it was shown. `later`: it was put together from what was known long after its end."""

    digest: Digest
    state: DataState
    closed_at: dt.datetime
    later: bool


@dataclass(frozen=True)
class Content:
    """What is stored of it as JSON."""

    digest: Digest
    state: DataState


@dataclass(frozen=True)
class Since:
    """A theme of a closed week as it is now. `heir` is (id, name) of the theme that took it over; `figures` are of
    that week, by what is known today.
    """

    name: str
    status: str
    retired: bool
    heir: tuple[int, str] | None
    figures: Figures


_CONTENT = TypeAdapter(Content)


def list_missing(session: Session, *, zone: ZoneInfo) -> list[Week]:
    """Weeks since the first report, at most 60, that are over and not kept yet, the oldest first.

    The last one waits until its Sunday was judged, at the longest a day.
    """
    row = session.execute(
        text("""
            SELECT now() AS now, (SELECT min(day) FROM theme_days) AS first,
              (SELECT judged_day FROM trend_look) AS judged, ARRAY(SELECT monday FROM closed_weeks) AS kept""")
    ).one()
    if row.first is None:
        return []
    this = Week.of(row.now.astimezone(zone).date(), zone)
    weeks = [this.shift(-number) for number in range(MOST_WEEKS, 0, -1)]
    return [
        week
        for week in weeks
        if week.sunday >= row.first
        and week.monday not in row.kept
        and (row.now >= week.ends + WAIT or (row.judged is not None and row.judged >= week.sunday))
    ]


def record_week(session: Session, week: Week, *, settings_version: int, run_id: int | None) -> bool:
    """Write a closed week as its page shows it now; False: it was kept already, and stays as it is."""
    state = find_state(session, settings_version=settings_version)
    later = state.at - week.ends > LATER
    just_judged = state.judged_day == week.sunday
    digest = read_digest(session, now=week.days, before=week.days.before(), present=False, just_judged=just_judged)
    written = session.scalar(
        insert(ClosedWeek)
        .values(
            monday=week.monday,
            zone=week.zone.key,
            content=_CONTENT.dump_python(Content(digest, state), mode="json"),
            top=list(digest.top),
            later=later,
            settings_version=settings_version,
            run_id=run_id,
        )
        .on_conflict_do_nothing()
        .returning(ClosedWeek.monday)
    )
    return written is not None


def find_kept(session: Session, monday: dt.date) -> Kept | None:
    """The closed week that began then; None: it is not kept."""
    row = session.scalars(select(ClosedWeek).where(ClosedWeek.monday == monday)).one_or_none()
    if row is None:
        return None
    content = _CONTENT.validate_python(row.content)
    return Kept(content.digest, content.state, row.closed_at, row.later)


def find_since(session: Session, kept: Digest) -> tuple[dict[int, Since], Totals]:
    """{theme: how it is now}, with its counts of that week by today's knowledge, and today's totals of that week."""
    ids = kept.theme_ids()
    now, before = (Window(days.starts, days.ends) for days in (kept.now, kept.before))
    figures = count_windows(session, ids, now=now, before=before)
    since = {}
    for row in _list_themes(session, ids):
        heir = (row.heir_id, row.heir_name) if row.heir_id is not None else None
        since[row.id] = Since(row.name, row.status, row.retired, heir, figures[row.id])
    return since, count_totals(session, now=kept.now, before=kept.before)


def _list_themes(session: Session, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Each theme with the living one at the end of its line of heirs."""
    return session.execute(
        text("""
            WITH RECURSIVE line AS (
              SELECT id AS gone, heir_id AS heir, 1 AS steps FROM themes WHERE id = ANY(:ids) AND heir_id IS NOT NULL
              UNION ALL
              SELECT line.gone, next.heir_id, line.steps + 1 FROM line JOIN themes AS next ON next.id = line.heir
              WHERE next.heir_id IS NOT NULL AND line.steps < 100),
            ends AS (SELECT DISTINCT ON (gone) gone, heir FROM line ORDER BY gone, steps DESC)
            SELECT theme.id, theme.name, theme.status, theme.retired_at IS NOT NULL AS retired,
              heir.id AS heir_id, heir.name AS heir_name
            FROM themes AS theme LEFT JOIN ends ON ends.gone = theme.id LEFT JOIN themes AS heir ON heir.id = ends.heir
            WHERE theme.id = ANY(:ids)"""),
        {"ids": list(ids)},
    ).all()
