"""Runs that start by themselves because of how another one stands; seen from the tables, so that no crash loses one.

While a pipeline waits to read the rest (a batch, money, a person), what is read is grouped and counted: `regroup`.
A batch that is left open by a run that is over is brought to its end: `batches`.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import SYSTEM
from miner.errors import RunAlreadyActive
from miner.runs.creation import create_run
from miner.runs.jobs import get_job


def start_due(session: Session) -> list[tuple[int, str]]:
    """Create what is due and return (run id, job name) of what is to be rung. The caller commits."""
    return [*_regroup(session), *_settle(session)]


def _regroup(session: Session) -> list[tuple[int, str]]:
    """One for each time that a pipeline waits with more read than was grouped."""
    rows = session.execute(
        text("""
            SELECT run.id, step.done FROM job_runs AS run
            JOIN job_run_steps AS step ON step.run_id = run.id AND step.name = 'analyze' AND step.state = 'running'
            WHERE run.job_name = 'pipeline' AND run.state = 'waiting'
                AND run.wait_reason IN ('batch', 'budget', 'configuration') AND step.done > 0
                AND NOT EXISTS (SELECT FROM job_run_keys WHERE key = 'themes')
                AND NOT EXISTS (SELECT FROM job_runs AS other WHERE other.job_name = 'regroup'
                    AND other.idempotency_key = 'run ' || run.id || ' at ' || step.done)""")
    ).all()
    return [found for row in rows for found in _start(session, "regroup", f"run {row.id} at {row.done}")]


def _settle(session: Session) -> list[tuple[int, str]]:
    """One while there is an open batch whose run is over and nobody reads."""
    batch_id = session.scalar(
        text("""
            SELECT batch.id FROM model_batches AS batch LEFT JOIN job_runs AS run ON run.id = batch.run_id
            WHERE batch.state IN ('submitting', 'unknown', 'submitted')
                AND (run.id IS NULL OR run.finished_at IS NOT NULL)
                -- One that was ended by hand, or found no key, is not started again at once.
                AND (run.job_name IS DISTINCT FROM 'batches' OR run.finished_at < clock_timestamp() - interval '1 hour')
                AND NOT EXISTS (SELECT FROM job_run_keys WHERE key = 'analyze')
            ORDER BY batch.id LIMIT 1""")
    )
    return [] if batch_id is None else _start(session, "batches", None)


def _start(session: Session, job_name: str, idempotency_key: str | None) -> list[tuple[int, str]]:
    """Two processes that see the same make one run: its key, or its idempotency key, is there once."""
    try:
        run_id, created = create_run(
            session, get_job(job_name), {}, by=SYSTEM, trigger="pipeline", idempotency_key=idempotency_key
        )
    except RunAlreadyActive:
        return []
    return [(run_id, job_name)] if created else []
