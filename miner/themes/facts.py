"""What every change of themes leaves behind: which live, and what their issues say. The web process uses it, so numpy
and its like are not loaded here."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from miner.models import Theme


def mark_revived(session: Session, *, theme_ids: Sequence[int]) -> None:
    """These themes have issues again."""
    session.execute(
        update(Theme).where(Theme.id.in_(theme_ids)).values(retired_at=None, heir_id=None, updated_at=func.now())
    )


def mark_retired(session: Session, *, theme_id: int, heir_id: int | None) -> None:
    """The theme has no issues any more; its address leads to the heir, and no flag is left standing."""
    values = {"issue_count": 0, "flag": None, "flagged_at": None, "retired_at": func.now(), "updated_at": func.now()}
    session.execute(update(Theme).where(Theme.id == theme_id).values(heir_id=heir_id, **values))


def refresh_facts(session: Session) -> int:
    """Count, first and last report, type and area of every theme from its live issues; returns how many live themes
    there are. An area is named only when at least half of the issues have one.

    Issues whose quote was not found in their ticket are not counted. A theme that has no others lives on with a count
    of 0, and the rest is told by them.
    """
    session.execute(
        text("""
            UPDATE themes AS theme SET issue_count = fact.issues, first_seen_at = fact.first, last_seen_at = fact.last,
              type = fact.type, area = fact.area, updated_at = now()
            FROM (
              SELECT theme_id, CAST(count(*) FILTER (WHERE quote_verified) AS integer) AS issues,
                min(occurred_at) AS first, max(occurred_at) AS last, mode() WITHIN GROUP (ORDER BY type) AS type,
                CASE WHEN count(area) * 2 >= count(*) THEN mode() WITHIN GROUP (ORDER BY area) END AS area
              FROM (
                SELECT *, bool_or(quote_verified) OVER (PARTITION BY theme_id) AS any_verified FROM issues
                WHERE retired_at IS NULL AND theme_id IS NOT NULL) AS issue
              WHERE quote_verified OR NOT any_verified GROUP BY theme_id) AS fact
            WHERE theme.id = fact.theme_id
              AND (theme.issue_count, theme.first_seen_at, theme.last_seen_at, theme.type, theme.area)
                IS DISTINCT FROM (fact.issues, fact.first, fact.last, fact.type, fact.area)""")
    )
    return session.scalar(select(func.count()).select_from(Theme).where(Theme.retired_at.is_(None))) or 0
