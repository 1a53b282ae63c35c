"""Leases and bells: what keeps a run alive and what wakes it. No state changes here; see `lifecycle.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.runs.lifecycle import LEASE_SECONDS

# The first bell that is not answered is rung again after this, then at doubling pauses up to the longest.
RING_AGAIN_SECONDS, RING_LONGEST_SECONDS = 30, 600


def renew(
    session: Session, worker_id: UUID, tokens: Mapping[int, int], *, lease_seconds: float = LEASE_SECONDS
) -> dict[int, bool]:
    """Extend the leases of the runs in `tokens` (run id -> token); return those still held -> whether to cancel."""
    rows = session.execute(
        text("""
            UPDATE job_runs AS run SET lease_expires_at = clock_timestamp() + make_interval(secs => :lease)
            FROM unnest(CAST(:ids AS bigint[]), CAST(:tokens AS bigint[])) AS mine(id, token)
            WHERE run.id = mine.id AND run.lease_token = mine.token AND run.state = 'running'
                AND run.lease_owner = :worker
            RETURNING run.id, run.cancel_requested_at IS NOT NULL AS cancel"""),
        {"ids": list(tokens), "tokens": list(tokens.values()), "worker": worker_id, "lease": lease_seconds},
    )
    return {row.id: row.cancel for row in rows}


def take_due_bells(session: Session) -> list[tuple[int, str]]:
    """(run id, job name) of runs that are due and whose bell was not answered; they count as rung from here on."""
    rows = session.execute(
        text("""
            UPDATE job_runs SET rung_at = clock_timestamp(), ring_count = ring_count + 1
            WHERE id IN (
                SELECT id FROM job_runs
                WHERE state IN ('queued', 'waiting') AND run_after <= clock_timestamp()
                    AND NOT EXISTS (SELECT FROM switches WHERE name = 'paused')
                    AND (rung_at IS NULL OR rung_at < run_after OR rung_at < clock_timestamp()
                        - make_interval(secs => least(:longest, :again * power(2, least(ring_count, 20)))))
                ORDER BY run_after, id LIMIT 100 FOR UPDATE SKIP LOCKED)
            RETURNING id, job_name"""),
        {"again": RING_AGAIN_SECONDS, "longest": RING_LONGEST_SECONDS},
    )
    return sorted((row.id, row.job_name) for row in rows)


def mark_not_rung(session: Session, run_ids: Sequence[int]) -> None:
    """The broker did not take these bells: they are due again at once."""
    session.execute(
        text("UPDATE job_runs SET rung_at = NULL WHERE id = ANY(:ids) AND state IN ('queued', 'waiting')"),
        {"ids": list(run_ids)},
    )


def job_names(session: Session, run_ids: Sequence[int]) -> list[tuple[int, str]]:
    """(run id, job name) of each run: what a bell needs."""
    rows = session.execute(
        text("SELECT id, job_name FROM job_runs WHERE id = ANY(:ids) ORDER BY id"), {"ids": list(run_ids)}
    )
    return [(row.id, row.job_name) for row in rows]
