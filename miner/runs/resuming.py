"""Going on: one run that waits for somebody, or everything after a pause (first to be looked at, then done)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import NotFound
from miner.runs import schedules
from miner.runs.events import record_event
from miner.runs.pausing import PAUSED, find_pause


def resume_all(session: Session, *, by: Actor) -> bool:
    """Let work go on; False when nothing was paused. Housekeeping rings what waits at its next beat.

    Fire times that fell into the pause are noted as paused first, so that none is made up for.
    """
    require(by, Role.operator, "resume everything")
    before = find_pause(session)
    if before is None:
        return False
    schedules.tick(session)
    session.execute(text("DELETE FROM switches WHERE name = :name"), {"name": PAUSED})
    session.execute(text("UPDATE job_runs SET rung_at = NULL WHERE state IN ('queued', 'waiting')"))
    audit(session, by, "everything.resume", "switch", PAUSED, before={"reason": before.reason})
    return True


def wake_run(session: Session, run_id: int, *, by: Actor) -> str | None:
    """Let a run that waits for a configuration or for money look again now; raises NotFound, Refused.

    Returns the name of its job, to be rung; None: it waits for neither, and nothing was changed.
    """
    require(by, Role.operator, "wake runs")
    state = session.scalar(text("SELECT state FROM job_runs WHERE id = :id FOR UPDATE"), {"id": run_id})
    if state is None:
        raise NotFound("run", run_id)
    job_name = session.scalar(
        text("""
            UPDATE job_runs SET run_after = least(run_after, clock_timestamp()), rung_at = NULL
            WHERE id = :id AND state = 'waiting' AND wait_reason IN ('configuration', 'budget') RETURNING job_name"""),
        {"id": run_id},
    )
    if job_name is not None:
        record_event(session, run_id, "run_woken", f"{by} asked it to look again")
        audit(session, by, "run.wake", "run", run_id)
    return None if job_name is None else str(job_name)


def look_again(session: Session, reason: str) -> None:
    """Let runs that wait for `reason` look now whether it is still there; housekeeping rings them at its next beat."""
    session.execute(
        text("""
            UPDATE job_runs SET run_after = clock_timestamp(), rung_at = NULL
            WHERE state = 'waiting' AND wait_reason = :reason"""),
        {"reason": reason},
    )


def list_what_will_run(session: Session) -> list[dict[str, Any]]:
    """Runs that go on at once when work is resumed, then each schedule's next time; at most 200 runs."""
    runs = session.execute(
        text("""
            SELECT 'run ' || id AS what, job_name AS job, state || coalesce(' (' || wait_reason || ')', '') AS state,
                run_after AS at
            FROM job_runs WHERE state IN ('queued', 'waiting', 'running') ORDER BY run_after, id LIMIT 200""")
    )
    schedules = session.execute(
        text("""
            SELECT 'schedule ' || id AS what, job_name AS job, 'next' AS state, next_fire_at AS at
            FROM schedules WHERE paused_at IS NULL ORDER BY next_fire_at NULLS FIRST, id""")
    )
    return [dict(row._mapping) for row in [*runs, *schedules]]
