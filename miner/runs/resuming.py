"""Ending the pause of everything: first to be looked at, then done."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.runs import schedules
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
