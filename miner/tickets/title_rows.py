"""Rows of titles: what custom fields and statuses of an account are called. Light: pages read them, too."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.tickets.titles import FIELD, STATUS, Title, Titles


def store_titles(session: Session, source: str, kind: str, titles: Sequence[Title]) -> None:
    """These are all titles of the kind; what is not among them has gone."""
    session.execute(
        text("DELETE FROM zendesk_titles WHERE source = :source AND kind = :kind"), {"source": source, "kind": kind}
    )
    rows = {
        title.number: {"number": title.number, "title": title.title, "type": title.type, "options": dict(title.options)}
        for title in titles
    }
    if rows:
        session.execute(
            text("""
                INSERT INTO zendesk_titles (source, kind, number, title, type, options)
                SELECT :source, :kind, number, title, type, options FROM json_to_recordset(CAST(:rows AS json))
                  AS row (number bigint, title text, type text, options jsonb)"""),
            {"source": source, "kind": kind, "rows": json.dumps(list(rows.values()), ensure_ascii=False)},
        )


def load_titles(session: Session, source: str, *, numbers: Sequence[int] | None = None) -> Titles:
    """The titles of an account, of these `numbers` or all; empty for a source that has none."""
    if numbers is not None and not numbers:
        return Titles()
    rows = session.execute(
        text("""
            SELECT kind, number, title, type, options FROM zendesk_titles
            WHERE source = :source AND (CAST(:numbers AS bigint[]) IS NULL OR number = ANY(:numbers))"""),
        {"source": source, "numbers": list(numbers) if numbers is not None else None},
    )
    found = [Title(*row) for row in rows]
    return Titles(
        {title.number: title for title in found if title.kind == FIELD},
        {title.number: title for title in found if title.kind == STATUS},
    )
