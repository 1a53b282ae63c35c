"""STEP of the job `retention`: old runs go, so that the history stays quick to read. Data of tickets is not touched.

Only runs that are over are removed, oldest first, in small batches; the last success and the last failure of each job
stay whatever their age, and so does a run that an active run belongs to.
"""

from __future__ import annotations

from sqlalchemy import text

from miner import sessions, throttle
from miner.issues.rereading import forget_old
from miner.logs import get_logger
from miner.runs.context import StepContext

log = get_logger(__name__)

BATCH = 500
# A worker's row is only of interest while its runs are looked at.
WORKER_DAYS = 14


def run(context: StepContext) -> None:
    days = context.settings.run_days
    removed = 0
    while True:
        with context.unit() as unit:
            gone = unit.session.execute(_OLD_RUNS, {"days": days, "batch": BATCH}).rowcount  # type: ignore[attr-defined]
            unit.advance(gone)
            unit.count(runs=gone)
        removed += gone
        if gone < BATCH:
            break
    with context.unit() as unit:
        workers = unit.session.execute(_OLD_WORKERS, {"days": WORKER_DAYS}).rowcount  # type: ignore[attr-defined]
        forget_old(unit.session)
        unit.session.execute(_OLD_TRIALS, {"days": days})
        ticks = unit.session.execute(_OLD_TICKS, {"days": days}).rowcount  # type: ignore[attr-defined]
        throttle.forget_old(unit.session)
        sessions.forget_old(unit.session)
    log.info(
        "history_cut",
        message=f"Removed {removed:,} runs older than {days} days, {ticks:,} ticks and {workers:,} workers",
        runs=removed,
        ticks=ticks,
        workers=workers,
    )


_OLD_RUNS = text("""
    DELETE FROM job_runs WHERE id IN (
        SELECT id FROM job_runs AS run
        WHERE finished_at < clock_timestamp() - make_interval(days => :days)
            AND id NOT IN (
                SELECT max(id) FROM job_runs WHERE state = 'completed' GROUP BY job_name
                UNION ALL
                SELECT max(id) FROM job_runs WHERE state IN ('failed', 'crashed') GROUP BY job_name)
            AND NOT EXISTS (
                SELECT FROM job_runs AS child
                WHERE (child.parent_id = run.id OR child.rerun_of_id = run.id) AND child.finished_at IS NULL)
        ORDER BY finished_at LIMIT :batch)""")

_OLD_WORKERS = text("""
    DELETE FROM workers WHERE heartbeat_at < clock_timestamp() - make_interval(days => :days)
        AND NOT EXISTS (SELECT FROM job_runs WHERE lease_owner = workers.id)""")

_OLD_TRIALS = text("DELETE FROM trials WHERE created_at < clock_timestamp() - make_interval(days => :days)")
_OLD_TICKS = text("DELETE FROM schedule_ticks WHERE fire_at < clock_timestamp() - make_interval(days => :days)")
