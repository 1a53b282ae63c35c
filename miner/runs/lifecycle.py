"""How a run changes state: the only module that does. Each function is one guarded statement and its side rows.

    queued -> running -> completed | failed | crashed | cancelled        queued -> skipped | cancelled
    running -> waiting -> running                                        waiting -> cancelled | failed | crashed

A running run has a lease and a token that only grows. Whoever wants to write for a run shows the token it got with its
claim; a statement that finds another token touches no row, and that is how a worker that was presumed dead learns it.
All times come from the database, so clocks of machines do not matter. Functions are handed a session and never commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import NotFound, RunLost
from miner.logs import scrub, storable
from miner.runs import keys as run_keys
from miner.runs.events import record_event
from miner.runs.failures import Failure
from miner.runs.steps import mark_ended

LEASE_SECONDS = 60.0


@dataclass(frozen=True)
class Claim:
    """A run that this worker holds, as it was when claimed."""

    run_id: int
    job_name: str
    token: int
    worker_id: UUID
    attempt: int
    max_attempts: int
    args: dict[str, Any]
    worked_seconds: float
    deadline_seconds: int


WORKER_LOST = "WorkerLost"


def claim(session: Session, run_id: int, worker_id: UUID, *, lease_seconds: float = LEASE_SECONDS) -> Claim | None:
    """Take a due run, or return None when somebody else has it, it is over, or it is not due."""
    row = session.execute(
        text("""
            UPDATE job_runs AS run SET
                state = 'running',
                -- Only a first start and a retry cost an attempt; a deploy, a rescue or a wait does not.
                attempt = attempt + CASE WHEN state = 'queued' OR wait_reason = 'retry' THEN 1 ELSE 0 END,
                lease_owner = :worker, lease_token = lease_token + 1, claimed_at = clock_timestamp(),
                lease_expires_at = clock_timestamp() + make_interval(secs => :lease),
                started_at = coalesce(started_at, clock_timestamp()),
                wait_reason = NULL, wait_detail = NULL, error_class = NULL, error_message = NULL,
                error_fingerprint = NULL, ring_count = 0,
                settings_version = coalesce(settings_version, (SELECT max(version) FROM settings))
            WHERE id = :run_id AND state IN ('queued', 'waiting') AND run_after <= clock_timestamp()
                AND cancel_requested_at IS NULL AND NOT EXISTS (SELECT FROM switches WHERE name = 'paused')
            RETURNING id, job_name, lease_token, attempt, max_attempts, args, worked_seconds, deadline_seconds"""),
        {"run_id": run_id, "worker": worker_id, "lease": lease_seconds},
    ).one_or_none()
    if row is None:
        return None
    session.execute(
        text("""
            INSERT INTO job_run_attempts (run_id, lease_token, attempt, worker_id, started_at)
            SELECT id, lease_token, attempt, lease_owner, claimed_at FROM job_runs WHERE id = :run_id"""),
        {"run_id": run_id},
    )
    record_event(session, run_id, "run_started", f"Attempt {row.attempt} of {row.max_attempts} started")
    return Claim(
        run_id=row.id,
        job_name=row.job_name,
        token=row.lease_token,
        worker_id=worker_id,
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        args=row.args,
        worked_seconds=row.worked_seconds,
        deadline_seconds=row.deadline_seconds,
    )


def complete(session: Session, held: Claim) -> None:
    """running -> completed."""
    _end(session, held, "completed")
    record_event(session, held.run_id, "run_completed", "Completed")


def fail(session: Session, held: Claim, failure: Failure) -> None:
    """running -> failed: the work said no."""
    _end(session, held, "failed", failure)
    record_event(session, held.run_id, "run_failed", f"Failed: {failure.message}", level="error")


def cancel_held(session: Session, held: Claim) -> None:
    """running -> cancelled, by the worker that saw the request."""
    _end(session, held, "cancelled")
    record_event(session, held.run_id, "run_cancelled", "Stopped at a unit's edge, as requested")


def wait(
    session: Session,
    held: Claim,
    reason: str,
    detail: str,
    *,
    delay_seconds: float = 0,
    failure: Failure | None = None,
    keep: str | None = None,
) -> None:
    """running -> waiting for `reason`; the run goes on in `delay_seconds` at the earliest.

    Its keys stay held, or only `keep`: such a wait may take long, and others get their turn meanwhile.
    """
    state = _leave(
        session,
        held,
        state="waiting",
        outcome="failed" if failure else ("released" if reason in ("released", "yield") else "waiting"),
        failure=failure,
        wait_reason=reason,
        wait_detail=detail,
        delay=delay_seconds,
    )
    if state == "waiting":
        if keep is not None:
            run_keys.free_others(session, held.run_id, keep)
        level = "warning" if failure else "info"
        record_event(session, held.run_id, "run_waiting", detail, level=level, reason=reason)


def reap(session: Session, *, reaper: str, keys: Sequence[str] | None = None) -> list[int]:
    """Take expired leases away: waiting (rescue) while rescues are left, else crashed. Return the run ids.

    Two reapers never take the same row, and a worker that comes back meanwhile keeps its run.
    """
    rows = session.execute(
        text("""
            SELECT id, lease_token, lease_owner, rescue_count, max_rescues,
                round(extract(epoch FROM clock_timestamp() - lease_expires_at)) AS late,
                (SELECT host || ' pid ' || pid FROM workers WHERE workers.id = lease_owner) AS worker
            FROM job_runs WHERE state = 'running' AND lease_expires_at < clock_timestamp()
                AND (CAST(:keys AS text[]) IS NULL OR keys && CAST(:keys AS text[]))
            ORDER BY lease_expires_at LIMIT 50 FOR UPDATE SKIP LOCKED"""),
        {"keys": list(keys) if keys is not None else None},
    ).all()
    for row in rows:
        worker = row.worker or f"worker {row.lease_owner}"
        failure = Failure(WORKER_LOST, f"its worker was lost: the lease of {worker} ran out")
        rescue = row.rescue_count < row.max_rescues
        state = _leave_as(
            session,
            row.id,
            row.lease_token,
            state="waiting" if rescue else "crashed",
            outcome="crashed",
            failure=failure,
            wait_reason="rescue" if rescue else None,
            wait_detail="Its worker was lost; another one goes on from the checkpoint" if rescue else None,
            rescues=1 if rescue else 0,
        )
        if state == "cancelled":
            continue
        record_event(
            session,
            row.id,
            "run_rescued" if rescue else "run_crashed",
            f"The lease of {worker} expired {row.late:.0f} s ago; found by {reaper}"
            + ("" if rescue else f"; lost {row.max_rescues + 1} times, so it is given up"),
            level="warning" if rescue else "error",
        )
    return [row.id for row in rows]


def release_all(session: Session, worker_id: UUID, run_ids: Iterable[int], *, reason: str = "released") -> list[int]:
    """Give back runs that a process still holds though it is stopping, or though everything is paused.

    Raising the token fences a call that does not return.
    """
    detail = "Everything is paused" if reason == "paused" else "Released by a process that is stopping"
    rows = session.execute(
        text("""
            SELECT id, lease_token FROM job_runs
            WHERE id = ANY(:ids) AND state = 'running' AND lease_owner = :worker ORDER BY id FOR UPDATE"""),
        {"ids": list(run_ids), "worker": worker_id},
    ).all()
    for row in rows:
        state = _leave_as(
            session,
            row.id,
            row.lease_token,
            state="waiting",
            outcome="released",
            wait_reason=reason,
            wait_detail=detail,
        )
        if state == "waiting":
            record_event(session, row.id, "run_waiting", detail, reason=reason)
    return [row.id for row in rows]


def request_cancel(session: Session, run_id: int, *, by: Actor) -> str:
    """Ask a run to stop; return its state afterwards. A run that is over stays as it is; raises NotFound."""
    require(by, Role.operator, "cancel runs")
    row = session.execute(
        text("SELECT state, lease_token FROM job_runs WHERE id = :id FOR UPDATE"), {"id": run_id}
    ).one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    if row.state not in ("queued", "waiting", "running"):
        return str(row.state)
    session.execute(
        text("""
            UPDATE job_runs SET cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()),
                cancel_requested_by = coalesce(cancel_requested_by, :by) WHERE id = :id"""),
        {"id": run_id, "by": str(by)},
    )
    record_event(session, run_id, "cancel_requested", f"{by} asked it to stop")
    audit(session, by, "run.cancel", "run", run_id, before={"state": row.state})
    if row.state == "running":
        return "running"
    _leave_as(session, run_id, row.lease_token, state="cancelled", outcome="cancelled")
    record_event(session, run_id, "run_cancelled", "Cancelled before it ran on")
    return "cancelled"


def _end(session: Session, held: Claim, state: str, failure: Failure | None = None) -> None:
    _leave(session, held, state=state, outcome=state, failure=failure)


def _leave(session: Session, held: Claim, **change: Any) -> str:
    state = _leave_as(session, held.run_id, held.token, **change)
    if state is None:
        raise RunLost(f"run {held.run_id} is held by another worker now")
    return state


def _leave_as(
    session: Session,
    run_id: int,
    token: int,
    *,
    state: str,
    outcome: str,
    failure: Failure | None = None,
    wait_reason: str | None = None,
    wait_detail: str | None = None,
    delay: float = 0,
    rescues: int = 0,
) -> str | None:
    """The one statement by which a run leaves its holder or the queue.

    Returns the state it is in then, or None: the token is not the run's any more. A run that was asked to stop does not
    wait for another turn, whatever made it leave: it ends as cancelled, or it would hold its keys for ever.
    """
    asked = session.scalar(
        text("SELECT cancel_requested_at IS NOT NULL FROM job_runs WHERE id = :id AND lease_token = :token FOR UPDATE"),
        {"id": run_id, "token": token},
    )
    cancelled = bool(asked) and state == "waiting"
    if cancelled:
        state, wait_reason, wait_detail = "cancelled", None, None
    kept = None if cancelled else failure  # the attempt remembers the error in any case
    values = {
        "run_id": run_id,
        "token": token,
        "state": state,
        "outcome": outcome,
        "wait_reason": wait_reason,
        "wait_detail": storable(scrub(wait_detail)) if wait_detail else None,
        "delay": delay,
        "rescues": rescues,
        "error_class": kept.error_class if kept else None,
        "error_message": _clean(kept.message, 8_000) if kept else None,
        "fingerprint": kept.fingerprint if kept else None,
    }
    attempt = {
        "run_id": run_id,
        "outcome": outcome,
        "error_class": failure.error_class if failure else None,
        "error_message": _clean(failure.message, 8_000) if failure else None,
        "traceback": _clean(failure.traceback, 20_000) if failure and failure.traceback else None,
    }
    left = session.execute(
        text("""
            UPDATE job_runs SET
                state = :state, wait_reason = :wait_reason, wait_detail = :wait_detail,
                run_after = CASE WHEN :state = 'waiting' THEN clock_timestamp() + make_interval(secs => :delay)
                    ELSE run_after END,
                rung_at = NULL, lease_owner = NULL, lease_expires_at = NULL, lease_token = lease_token + 1,
                worked_seconds = worked_seconds + greatest(0,
                    coalesce(extract(epoch FROM least(clock_timestamp(), lease_expires_at) - claimed_at), 0)),
                claimed_at = NULL, rescue_count = rescue_count + :rescues, progress = NULL,
                error_class = :error_class, error_message = :error_message, error_fingerprint = :fingerprint,
                finished_at = CASE WHEN :state = 'waiting' THEN NULL ELSE clock_timestamp() END
            WHERE id = :run_id AND lease_token = :token AND finished_at IS NULL
            RETURNING id"""),
        values,
    ).one_or_none()
    if left is None:
        return None
    session.execute(
        text("""
            UPDATE job_run_attempts SET finished_at = clock_timestamp(), outcome = :outcome,
                error_class = :error_class, error_message = :error_message, traceback = :traceback
            WHERE run_id = :run_id AND finished_at IS NULL"""),
        attempt,
    )
    if state != "waiting":
        run_keys.free_all(session, run_id)
        mark_ended(session, run_id, "cancelled" if state == "cancelled" else "failed")
    if cancelled:
        record_event(session, run_id, "run_cancelled", "Stopped, as requested, when its worker let go of it")
    return state


def _clean(value: str, most: int) -> str:
    return storable(scrub(value))[:most]
