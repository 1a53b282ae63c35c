"""Which issue speaks for a theme, and its words as they stand now: nothing of them is kept anywhere else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Quote:
    """A customer's words, and the ticket that they stand in."""

    issue_id: int
    ticket_id: int
    text: str


def find_quoted(session: Session, theme_ids: Sequence[int], *, until: dt.datetime) -> dict[int, int]:
    """{theme: the live issue whose quote it shows}: the latest verified one before `until`."""
    rows = session.execute(
        text("""
            SELECT wanted.id, quoted.id AS issue_id FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
            CROSS JOIN LATERAL (
              SELECT issue.id FROM issues AS issue
              WHERE issue.theme_id = wanted.id AND issue.retired_at IS NULL AND issue.quote_verified
                AND issue.occurred_at < :until
              ORDER BY issue.occurred_at DESC, issue.id DESC LIMIT 1) AS quoted"""),
        {"ids": list(theme_ids), "until": until},
    )
    return {row.id: row.issue_id for row in rows}


def list_quotes(session: Session, issue_ids: Iterable[int | None]) -> dict[int, Quote]:
    """{issue: its quote} of those that still count, are verified, and whose ticket is still here."""
    rows = session.execute(
        text("""
            SELECT issue.id, issue.ticket_id, issue.quote
            FROM issues AS issue JOIN tickets AS ticket ON ticket.id = issue.ticket_id
            WHERE issue.id = ANY(:ids) AND issue.retired_at IS NULL AND issue.quote_verified
              AND ticket.deleted_at IS NULL"""),
        {"ids": [one for one in issue_ids if one is not None]},
    )
    return {row.id: Quote(row.id, row.ticket_id, row.quote) for row in rows}
