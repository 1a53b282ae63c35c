"""Watching a run from the command line until it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from miner.config import Config
from miner.db import transaction
from miner.runs.pausing import find_pause
from miner.runs.workers import has_live_worker

POLL_SECONDS = 0.25
# Without a live worker a queued run is given up on, by the watcher only, after this.
NO_WORKER_SECONDS = 30.0


def look(run_id: int) -> dict[str, Any]:
    """The run as `miner run --json` and `miner runs show` print it; KeyError-free: every key is always there."""
    with transaction() as session:
        row = session.execute(
            text("""
                SELECT id, job_name, state, wait_reason, wait_detail, trigger, triggered_by, args, attempt,
                    max_attempts, current_step, progress, counters, warning_count, error_class, error_message,
                    skip_reason, created_at, started_at, finished_at, run_after, cancel_requested_at
                FROM job_runs WHERE id = :id"""),
            {"id": run_id},
        ).one()
        steps = session.execute(
            text("""
                SELECT name, state, done, total, unit, skip_reason, started_at, finished_at
                FROM job_run_steps WHERE run_id = :id ORDER BY position"""),
            {"id": run_id},
        )
        return {**row._mapping, "steps": [dict(step._mapping) for step in steps]}


def watch(
    run_id: int, *, say: Callable[[str], None], between: Callable[[], None] = lambda: None, needs_worker: bool = True
) -> dict[str, Any]:
    """Poll until the run is over and return it; says each change of step or state. `between` is called at each poll.

    Returns the run still queued when no live worker is there for NO_WORKER_SECONDS.
    """
    since, told = time.monotonic(), ""
    while True:
        run = look(run_id)
        if run["finished_at"] is not None:
            return run
        line = _line(run) if run["state"] == "running" else _idle_line(run)
        if line != told:
            say(line)
            told = line
        if needs_worker and run["state"] == "queued" and time.monotonic() - since > NO_WORKER_SECONDS:
            with transaction() as session:
                if not has_live_worker(session, lease_seconds=Config.from_environment().lease_seconds):
                    return run
        between()
        time.sleep(POLL_SECONDS)


def pause_sentence() -> str | None:
    """Who paused everything and why, with the way out; None when nothing is paused."""
    with transaction() as session:
        pause = find_pause(session)
    return f"everything is paused by {pause.set_by}: {pause.reason}; `miner resume` ends it" if pause else None


def _idle_line(run: dict[str, Any]) -> str:
    if paused := pause_sentence():
        return f"  run {run['id']} waits: {paused}"
    if run["state"] == "waiting":
        return f"  run {run['id']} waits: {run['wait_detail']}"
    return f"  run {run['id']} is queued"


def _line(run: dict[str, Any]) -> str:
    for step in run["steps"]:
        if step["state"] == "running":
            of = f" of {step['total']:,}" if step["total"] is not None else ""
            return f"  {step['name']}: {step['done']:,}{of} {step['unit']}"
    return f"  run {run['id']} is running"
