"""What the trends step writes: the days of themes, their episodes, the verdict on each theme, and the look itself."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import BigInteger, Text, bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from miner.models import ThemeEpisode, TrendLook
from miner.trends.episodes import Episode, describe, find_shown
from miner.trends.wording import Verdict

FILES_ONLY = "Not judged: its reports are in imported files, which do not reach over the days that the mirror covers"
UNVERIFIED = "Not judged: no quote of its reports was found in the ticket"


def refresh_days(session: Session, *, zone: str) -> None:
    """Make `theme_days` what the reports of the live themes say: live issues whose quote stands in its ticket."""
    session.execute(
        text("""
            WITH fresh AS (
              SELECT issue.theme_id, CAST(issue.occurred_at AT TIME ZONE :zone AS date) AS day,
                CAST(count(*) AS integer) AS reports,
                CAST(nullif(count(DISTINCT ticket.customer_id), 0) AS integer) AS customers
              FROM issues AS issue
                JOIN themes AS theme ON theme.id = issue.theme_id AND theme.retired_at IS NULL
                JOIN tickets AS ticket ON ticket.id = issue.ticket_id
              WHERE issue.retired_at IS NULL AND issue.quote_verified GROUP BY 1, 2),
            gone AS (
              DELETE FROM theme_days AS old WHERE NOT EXISTS (
                SELECT FROM fresh WHERE fresh.theme_id = old.theme_id AND fresh.day = old.day))
            INSERT INTO theme_days AS old (theme_id, day, reports, customers)
            SELECT theme_id, day, reports, customers FROM fresh
            ON CONFLICT (theme_id, day) DO UPDATE SET reports = excluded.reports, customers = excluded.customers
            WHERE (old.reports, old.customers) IS DISTINCT FROM (excluded.reports, excluded.customers)"""),
        {"zone": zone},
    )


def mark_fixed(session: Session) -> None:
    """Remember since when a theme is fixed, whoever set its status, and forget it with the status."""
    session.execute(
        text("""
            UPDATE themes SET fixed_at = CASE WHEN status = 'fixed' THEN now() END, fixed_version = NULL,
              came_back_at = NULL
            WHERE (status = 'fixed') <> (fixed_at IS NOT NULL)""")
    )


def find_judged_day(session: Session) -> dt.date | None:
    """The last day that was judged."""
    return session.scalar(select(TrendLook.judged_day))


def record_look(
    session: Session, *, judged_day: dt.date | None, covered_days: int | None, not_judged: str | None
) -> None:
    """Store what the look came to; one that judged nothing leaves the day of the last one that did."""
    session.execute(
        text("""
            INSERT INTO trend_look AS old (id, judged_day, covered_days, not_judged)
            VALUES (1, :day, :covered, :why)
            ON CONFLICT (id) DO UPDATE SET looked_at = now(), not_judged = excluded.not_judged,
              judged_day = coalesce(excluded.judged_day, old.judged_day),
              covered_days = coalesce(excluded.covered_days, old.covered_days)"""),
        {"day": judged_day, "covered": covered_days, "why": not_judged},
    )


def list_standing(session: Session) -> dict[int, list[Episode]]:
    """{theme: its episodes that stand}, those of retired themes too."""
    found: dict[int, list[Episode]] = defaultdict(list)
    rows = session.scalars(select(ThemeEpisode).where(ThemeEpisode.ended_on.is_(None)).order_by(ThemeEpisode.id))
    for row in rows:
        found[row.theme_id].append(
            Episode(
                theme_id=row.theme_id,
                kind=row.kind,
                started_on=row.started_on,
                last_on=row.last_on,
                sentence=row.sentence,
                numbers=row.numbers,
                p=row.p,
                id=row.id,
                continues_id=row.continues_id,
            )
        )
    session.expunge_all()  # the rows are changed by statements from here on
    return dict(found)


def list_heirs(session: Session, *, theme_ids: Iterable[int]) -> dict[int, int | None]:
    """{retired theme: the live theme at the end of its line of heirs} of those given; None: nobody took it over."""
    rows = session.execute(
        text("""
            WITH RECURSIVE line AS (
              SELECT id AS gone, heir_id AS heir, 1 AS steps FROM themes
              WHERE id = ANY(:ids) AND retired_at IS NOT NULL
              UNION ALL
              SELECT line.gone, next.heir_id, line.steps + 1 FROM line JOIN themes AS next ON next.id = line.heir
              WHERE next.retired_at IS NOT NULL AND line.steps < 100)
            SELECT DISTINCT ON (gone) gone, heir FROM line ORDER BY gone, steps DESC"""),
        {"ids": list(theme_ids)},
    )
    return {row.gone: row.heir for row in rows}


def list_parents(session: Session, *, theme_ids: Iterable[int]) -> dict[int, Sequence[int]]:
    """{theme: the themes that it was split from} of those given."""
    parents: dict[int, list[int]] = defaultdict(list)
    rows = session.execute(
        text("""
            SELECT theme_id, other_id FROM theme_events
            WHERE kind = 'split' AND other_id IS NOT NULL AND theme_id = ANY(:ids) ORDER BY id"""),
        {"ids": list(theme_ids)},
    )
    for row in rows:
        parents[row.theme_id].append(row.other_id)
    return dict(parents)


def record_episodes(session: Session, *, episodes: Mapping[int, Sequence[Episode]], run_id: int) -> list[Episode]:
    """Store what became of episodes, new ones with their ids; returns the new."""
    every = [one for many in episodes.values() for one in many]
    known = [one for one in every if one.id is not None]
    if known:
        session.execute(
            update(ThemeEpisode),
            [
                {"id": one.id, "theme_id": one.theme_id, "last_on": one.last_on, "ended_on": one.ended_on}
                for one in sorted(known, key=lambda one: one.stands)  # ended ones make room for those that move in
            ],
        )
    new = [one for one in every if one.id is None]
    if new:
        rows = [
            {
                "theme_id": one.theme_id,
                "kind": one.kind,
                "started_on": one.started_on,
                "last_on": one.last_on,
                "ended_on": one.ended_on,
                "sentence": one.sentence,
                "numbers": one.numbers,
                "p": one.p,
                "continues_id": one.continues_id,
                "run_id": run_id,
            }
            for one in new
        ]
        ids = session.scalars(insert(ThemeEpisode).returning(ThemeEpisode.id, sort_by_parameter_order=True), rows)
        for one, episode_id in zip(new, ids, strict=True):
            one.id = episode_id
    return new


_RECORD = text("""
    UPDATE themes AS theme SET flag = episode.kind, flagged_at = episode.raised_at, judged_at = now(),
      came_back_at = CASE WHEN theme.fixed_at IS NULL THEN NULL
        WHEN episode.kind = 'came_back' THEN coalesce(theme.came_back_at, episode.raised_at)
        ELSE theme.came_back_at END,
      trend_sentence = verdict.sentence, trend_numbers = CAST(verdict.numbers AS jsonb)
    FROM unnest(:ids, :episodes, :sentences, :numbers) AS verdict (id, episode, sentence, numbers)
      LEFT JOIN theme_episodes AS episode ON episode.id = verdict.episode
    WHERE theme.id = verdict.id AND theme.retired_at IS NULL""").bindparams(
    *(bindparam(name, type_=ARRAY(BigInteger)) for name in ("ids", "episodes")),
    *(bindparam(name, type_=ARRAY(Text)) for name in ("sentences", "numbers")),
)


def record_verdicts(
    session: Session, *, verdicts: Mapping[int, Verdict], episodes: Mapping[int, Sequence[Episode]]
) -> None:
    """Store verdicts on their themes, each under the flag of the episode it shows; the episodes have their ids."""
    shown = {theme: find_shown(episodes.get(theme, ()), verdict) for theme, verdict in verdicts.items()}
    session.execute(
        _RECORD,
        {
            "ids": list(verdicts),
            "episodes": [one.id if (one := shown[theme]) else None for theme in verdicts],
            "sentences": [describe(shown[theme], verdict) for theme, verdict in verdicts.items()],
            "numbers": [json.dumps(verdict.numbers) for verdict in verdicts.values()],
        },
    )
    session.execute(
        text("""
            UPDATE themes SET flag = NULL, flagged_at = NULL, trend_numbers = '{}', trend_sentence = unjudged.why
            FROM (
              SELECT id, CASE WHEN issue_count > 0 THEN :files ELSE :unverified END AS why FROM themes
              WHERE retired_at IS NULL AND NOT id = ANY(:ids) AND (issue_count > 0 OR EXISTS (
                SELECT FROM issues WHERE theme_id = themes.id AND issues.retired_at IS NULL))) AS unjudged
            WHERE themes.id = unjudged.id AND trend_sentence IS DISTINCT FROM unjudged.why"""),
        {"ids": list(verdicts), "files": FILES_ONLY, "unverified": UNVERIFIED},
    )
