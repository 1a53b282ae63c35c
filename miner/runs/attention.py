"""Runs that wait until somebody acts: what every page says on top."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Attention:
    """A run that goes on only after somebody did what `detail` says; it looks again at `run_after`."""

    run_id: int
    job_name: str
    reason: str
    detail: str
    run_after: dt.datetime


def list_attention(session: Session, *, limit: int = 3) -> list[Attention]:
    """Runs that wait for a key, a model, an address or money, the oldest first."""
    rows = session.execute(
        text("""
            SELECT id, job_name, wait_reason, coalesce(wait_detail, ''), run_after FROM job_runs
            WHERE state IN ('queued', 'waiting') AND wait_reason IN ('configuration', 'budget')
            ORDER BY id LIMIT :limit"""),
        {"limit": limit},
    )
    return [Attention(*row) for row in rows]
