"""Streams of tickets over days, written in bulk: who reported which theme when, and how far they are read."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from miner.models import Analysis, Issue, SyncCursor, Theme, Ticket
from tests.factories import make_theme

SOURCE = "zendesk:test"
_numbers = itertools.count(1)


def days_ago(number: float, hour: float = 12) -> dt.datetime:
    """That hour (UTC) of the day so many days ago."""
    midnight = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - dt.timedelta(days=number) + dt.timedelta(hours=hour)


def make_mirror(session: Session, *, begins: float, ends: float = 0, source: str = SOURCE) -> None:
    """A live lane that covers from `begins` days ago to the midnight `ends` days ago; one that is there is moved."""
    session.execute(text("DELETE FROM sync_cursors WHERE source = :source AND lane = 'live'"), {"source": source})
    session.add(
        SyncCursor(
            source=source,
            lane="live",
            covered_from=int(days_ago(begins, 0).timestamp()),
            complete_through=days_ago(ends, 0),
        )
    )
    session.flush()


def make_window(session: Session, *, begins: float, ends: float, source: str = SOURCE) -> None:
    """A backfill window that is not done yet."""
    start, end = (int(days_ago(one, 0).timestamp()) for one in (begins, ends))
    session.add(
        SyncCursor(source=source, lane=f"window {start}-{end}", start_time=start, end_time=end),
    )
    session.flush()


def poisson_days(rate: float, days: Sequence[int], *, seed: int) -> list[int]:
    """The days ago of reports that come at `rate` a day."""
    counts = np.random.default_rng([seed, round(rate * 1000)]).poisson(rate, len(days))
    return [day for day, count in zip(days, counts, strict=True) for _ in range(int(count))]


def make_themes(session: Session, count: int) -> list[Theme]:
    return [make_theme(session, issue_count=1) for _ in range(count)]


def write(
    session: Session, theme: Theme | None, days: Iterable[float], *, hour: float = 12, read: bool = True, **columns: Any
) -> list[int]:
    """One ticket with one issue of `theme` (None: no issue) so many days ago each; returns the tickets' ids."""
    rows = []
    for day in days:
        number, moment = next(_numbers), days_ago(day, hour)
        rows.append(
            {
                "source": SOURCE,
                "source_id": f"s{number}",
                "status": "open",
                "text": f"Export fails {number}",
                "text_hash": f"v{number}",
                "created_at": moment,
                "updated_at": moment,
                "raw": {} if theme is None else {"theme": theme.id},
                **columns,
            }
        )
    if not rows:
        return []
    ids = list(session.scalars(insert(Ticket).returning(Ticket.id, sort_by_parameter_order=True), rows))
    if read:
        read_tickets(session, ids)
    session.flush()
    return ids


def read_tickets(
    session: Session,
    ids: Sequence[int],
    *,
    analyzer: str = "local",
    model: str = "rules-1",
    settings_version: int = 1,
    theme: Theme | None = None,
    finds: int = 1,
) -> None:
    """Read these tickets: `finds` issues each, in the theme they were written for, or in `theme`."""
    if not ids:
        return
    tickets = session.execute(
        select(Ticket.id, Ticket.created_at, Ticket.text_hash, Ticket.raw).where(Ticket.id.in_(ids))
    ).all()
    analyses = [
        {
            "ticket_id": one.id,
            "analyzer": analyzer,
            "model": model,
            "settings_version": settings_version,
            "text_hash": one.text_hash,
            "outcome": "issues" if one.raw else "no_issue",
            "reason": None if one.raw else "nothing found",
            "issue_count": finds if one.raw else 0,
        }
        for one in tickets
    ]
    made = session.execute(insert(Analysis).returning(Analysis.ticket_id, Analysis.id), analyses).all()
    analysis_of = {row.ticket_id: row.id for row in made}
    session.execute(
        update(Issue)
        .where(Issue.ticket_id.in_(ids), Issue.retired_at.is_(None))
        .values(retired_at=text("now()"), retired_reason="read again")
    )
    issues = [
        {
            "ticket_id": one.id,
            "analysis_id": analysis_of[one.id],
            "analyzer": analyzer,
            "type": "bug",
            "severity": "medium",
            "summary": "Export fails",
            "quote": "Export",
            "quote_start": 0,
            "quote_end": 6,
            "quote_verified": True,
            "text_hash": one.text_hash,
            "occurred_at": one.created_at,
            "theme_id": one.raw["theme"] if theme is None else theme.id,
        }
        for one in tickets
        if one.raw
        for _ in range(finds)
    ]
    if issues:
        session.execute(insert(Issue), issues)
    session.execute(
        update(Ticket).where(Ticket.id.in_(ids)).values(analyzed_at=text("now()"), analyzed_text_hash=Ticket.text_hash)
    )
