"""When somebody last looked at the week, so that what was raised since can be marked."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor


def record_visit(session: Session, *, by: Actor) -> dt.datetime | None:
    """Note that `by` looks now; returns when they looked before (None: never).

    Looks less than an hour apart are one visit: what is new to them does not lose its mark by a click and back. No
    audit row: nothing that anybody else sees changes.
    """
    since: dt.datetime | None = session.scalar(
        text("""
            INSERT INTO week_visits AS known (visitor, visited_at) VALUES (:visitor, now())
            ON CONFLICT (visitor) DO UPDATE SET visited_at = now(),
              since = CASE WHEN known.visited_at < now() - interval '1 hour' THEN known.visited_at ELSE known.since END
            RETURNING since"""),
        {"visitor": by.kind if by.id is None else f"{by.kind}:{by.id}"},
    )
    return since
