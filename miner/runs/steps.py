"""The rows of a run's steps: begun, completed or skipped, always in the transaction of the work they speak of."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.runs.events import record_event


def mark_begun(session: Session, run_id: int, position: int, *, name: str, saying: str) -> None:
    """The step is running; a resumed one keeps the time of its first start."""
    session.execute(
        text("""
            UPDATE job_run_steps SET state = 'running', started_at = coalesce(started_at, clock_timestamp())
            WHERE run_id = :run_id AND position = :position"""),
        {"run_id": run_id, "position": position},
    )
    session.execute(text("UPDATE job_runs SET current_step = :step WHERE id = :id"), {"step": name, "id": run_id})
    record_event(session, run_id, "step_started", saying, step=name)


def mark_completed(session: Session, run_id: int, position: int, *, skipped: str | None = None) -> None:
    """The step is done, or had nothing to do for the reason given. Call it after the last progress was written."""
    row = session.execute(
        text("""
            UPDATE job_run_steps SET state = :state, skip_reason = :reason, finished_at = clock_timestamp(),
                checkpoint = NULL
            WHERE run_id = :run_id AND position = :position
            RETURNING name, done, unit, extract(epoch FROM finished_at - started_at) AS seconds"""),
        {
            "state": "skipped" if skipped else "completed",
            "reason": skipped,
            "run_id": run_id,
            "position": position,
        },
    ).one()
    if skipped:
        record_event(session, run_id, "step_skipped", f"Skipped: {skipped}", step=row.name)
    else:
        sentence = f"Step {row.name} done: {row.done:,} {row.unit} in {row.seconds:.1f} s"
        record_event(session, run_id, "step_completed", sentence, step=row.name, done=row.done)


def mark_ended(session: Session, run_id: int, state: str) -> None:
    """The run is over: the step that was at work, if any, is where it failed or was cancelled."""
    session.execute(
        text("""
            UPDATE job_run_steps SET state = :state, finished_at = clock_timestamp()
            WHERE run_id = :run_id AND state = 'running'"""),
        {"run_id": run_id, "state": state},
    )
