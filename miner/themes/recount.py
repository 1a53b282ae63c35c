"""Counting a few themes at once after a person changed what is in them; all of them are counted by the next run."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session


def recount_themes(session: Session, *, theme_ids: Sequence[int], zone: str) -> None:
    """Bring count, first and last report and the days of these themes to what their live issues say.

    Counted are those whose quote was found, as in `facts.py`. A theme left without issues stays, empty, until the next
    grouping retires it.
    """
    values = {"ids": sorted(set(theme_ids)), "zone": zone}
    session.execute(
        text("""
            UPDATE themes SET issue_count = fact.issues, updated_at = now(),
              first_seen_at = coalesce(fact.first, first_seen_at), last_seen_at = coalesce(fact.last, last_seen_at)
            FROM (
              SELECT theme.id, CAST(count(issue.id) AS integer) AS issues, min(issue.occurred_at) AS first,
                max(issue.occurred_at) AS last
              FROM themes AS theme LEFT JOIN issues AS issue
                ON issue.theme_id = theme.id AND issue.retired_at IS NULL AND issue.quote_verified
              WHERE theme.id = ANY(:ids) AND theme.retired_at IS NULL GROUP BY theme.id) AS fact
            WHERE themes.id = fact.id"""),
        values,
    )
    session.execute(text("DELETE FROM theme_days WHERE theme_id = ANY(:ids)"), values)
    session.execute(
        text("""
            INSERT INTO theme_days (theme_id, day, reports, customers)
            SELECT issue.theme_id, CAST(issue.occurred_at AT TIME ZONE :zone AS date), CAST(count(*) AS integer),
              CAST(nullif(count(DISTINCT ticket.customer_id), 0) AS integer)
            FROM issues AS issue
              JOIN themes AS theme ON theme.id = issue.theme_id AND theme.retired_at IS NULL
              JOIN tickets AS ticket ON ticket.id = issue.ticket_id
            WHERE issue.retired_at IS NULL AND issue.quote_verified AND issue.theme_id = ANY(:ids) GROUP BY 1, 2
            ON CONFLICT (theme_id, day) DO UPDATE SET reports = excluded.reports, customers = excluded.customers"""),
        values,
    )
