"""Which themes belong on a page of the week, and in which section: each in one only, by its mark, else by its size.

While the days are still going on, the mark that a theme has now decides. Later it is the last one that was raised in
those days or stood at their end. Days from before anything was judged here have no marks: a theme is new in them if it
was first reported then, often enough, and not just because the data begins there.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.weeks import Days

SECTIONS = ("new", "worse", "back", "biggest", "fading")
# As in `life.py`, which needs numpy: the web process does without.
NEW_COVERED, NEW_REPORTS = 14, 3
CANDIDATES = 20  # of a section, by reports: among them are those with the most customers


@dataclass(frozen=True)
class Placed:
    """A theme in its section, which holds `total` themes, `alike` of them with the same flag.

    `section` None: in none, yet among the most reported. `now` and `before` are reports by the days that were counted.
    """

    id: int
    name: str
    status: str
    flag: str | None
    sentence: str | None
    raised_at: dt.datetime | None
    first_on: dt.date | None
    fixed_on: dt.date | None
    section: str | None
    total: int
    alike: int
    now: int
    before: int


_PLACE = text("""
    WITH counts AS (
      SELECT theme_id,
        coalesce(sum(reports) FILTER (WHERE day BETWEEN :first AND :last), 0) AS now,
        coalesce(sum(reports) FILTER (WHERE day BETWEEN :before_first AND :before_last), 0) AS before
      FROM theme_days
      WHERE day BETWEEN :first AND :last OR day BETWEEN :before_first AND :before_last
      GROUP BY theme_id),
    past AS (
      SELECT DISTINCT ON (theme_id) theme_id, kind, sentence, raised_at, started_on
      FROM theme_episodes
      WHERE NOT :present AND started_on <= :last
        AND (started_on >= :first OR ended_on IS NULL OR ended_on > :last)
      ORDER BY theme_id, started_on DESC, id DESC),
    history AS (
      SELECT CAST((SELECT min(day) FROM theme_days) + CAST(:lead AS integer) AS timestamp) AT TIME ZONE :zone
          AS told_from,
        :present OR CAST(:last AS date) >= (SELECT min(started_on) FROM theme_episodes) AS judged),
    known AS (
      SELECT theme.id, theme.status = 'fixed' AS fixed, theme.fixed_at, theme.first_seen_at, past.kind,
        CASE WHEN :present THEN theme.flag ELSE past.kind END AS flag,
        CASE WHEN :present THEN theme.flagged_at ELSE past.raised_at END AS raised_at,
        coalesce(counts.now, 0) AS now, coalesce(counts.before, 0) AS before
      FROM themes AS theme LEFT JOIN counts ON counts.theme_id = theme.id LEFT JOIN past ON past.theme_id = theme.id
      WHERE theme.retired_at IS NULL
        AND (counts.theme_id IS NOT NULL OR theme.flag IS NOT NULL OR past.kind IS NOT NULL
          OR theme.fixed_at IS NOT NULL)),
    placed AS (
      SELECT id, flag, raised_at, now, before,
        CASE
          WHEN flag = 'new' THEN 'new'
          WHEN flag IN ('rising', 'spike') THEN 'worse'
          WHEN flag = 'came_back' THEN 'back'
          WHEN flag = 'fading' OR flag = 'faded' AND raised_at >= :before_starts THEN 'fading'
          WHEN fixed AND fixed_at >= :before_starts AND fixed_at < :ends THEN 'fading'
          WHEN NOT coalesce(history.judged, false) AND now >= :least
            AND first_seen_at >= greatest(:starts, history.told_from) AND first_seen_at < :ends THEN 'new'
          WHEN CASE WHEN :present THEN now + before ELSE now END > 0 THEN 'biggest'
        END AS section,
        CASE WHEN :present THEN now + before ELSE now END AS weight
      FROM known CROSS JOIN history),
    alike AS (SELECT section, flag, count(*) AS themes FROM placed GROUP BY section, flag),
    ranked AS (
      SELECT *, row_number() OVER (PARTITION BY section ORDER BY weight DESC, now DESC, before DESC, id) AS place
      FROM placed WHERE section IS NOT NULL),
    chosen AS (
      SELECT *, 1 AS part FROM ranked WHERE place <= :most
      UNION ALL (
        SELECT id, flag, raised_at, now, before, NULL, weight, NULL, 2 FROM placed WHERE weight > 0
        ORDER BY weight DESC, now DESC, before DESC, id LIMIT :most))
    SELECT * FROM (
      SELECT DISTINCT ON (chosen.id) chosen.id, theme.name, theme.status, chosen.flag,
        CASE WHEN :present OR :last_judged AND past.kind IS NULL THEN theme.trend_sentence
          ELSE past.sentence END AS sentence,
        chosen.raised_at, CAST(theme.first_seen_at AT TIME ZONE :zone AS date) AS first_on,
        CAST(theme.fixed_at AT TIME ZONE :zone AS date) AS fixed_on, chosen.section,
        coalesce((SELECT sum(themes)::bigint FROM alike WHERE alike.section = chosen.section), 0) AS total,
        coalesce((SELECT themes FROM alike
          WHERE alike.section = chosen.section AND alike.flag IS NOT DISTINCT FROM chosen.flag), 0) AS alike,
        chosen.now, chosen.before, chosen.place
      FROM chosen JOIN themes AS theme ON theme.id = chosen.id LEFT JOIN past ON past.theme_id = chosen.id
      ORDER BY chosen.id, chosen.part) AS rows
    ORDER BY section, place""")


def place_themes(
    session: Session, *, now: Days, before: Days, present: bool, just_judged: bool = False
) -> list[Placed]:
    """The candidates of each section, the most reported first, and the most reported themes of all.

    `present`: the days are still going on; `just_judged`: they are over, and the sentences that themes have now are
    still about them.
    """
    rows = session.execute(
        _PLACE,
        {
            "first": now.first,
            "last": now.last,
            "before_first": before.first,
            "before_last": before.last,
            "starts": now.starts,
            "ends": now.ends,
            "before_starts": before.starts,
            "zone": now.zone.key,
            "present": present,
            "last_judged": just_judged,
            "lead": NEW_COVERED,
            "least": NEW_REPORTS,
            "most": CANDIDATES,
        },
    )
    return [Placed(*row[:-1]) for row in rows]
