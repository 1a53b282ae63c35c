"""The story of a run, line by line: its own turning points here, a step's log lines through the housekeeping thread."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.logs import Line, clean_data, scrub, storable

# A run that logs in a loop must not fill the disk; its turning points are kept beyond the cap.
MOST_LINES = 5_000


def record_event(
    session: Session, run_id: int, name: str, message: str, *, level: str = "info", step: str | None = None, **data: Any
) -> None:
    """Add a turning point of the run to the caller's transaction, so that it is true or not there."""
    session.execute(
        text("""
            INSERT INTO job_run_events (run_id, level, name, message, step, data, at)
            VALUES (:run_id, :level, :name, :message, :step, CAST(:data AS jsonb), clock_timestamp())"""),
        {"run_id": run_id, "level": level, "name": name, "message": storable(scrub(message))[:4_000], "step": step,
         "data": json.dumps(clean_data(data))},
    )  # fmt: skip


def record_lines(session: Session, lines: Sequence[Line]) -> None:
    """Store log lines of steps, at most MOST_LINES a run and then one line that says so."""
    per_run = Counter(line.run_id for line in lines)
    warnings = Counter(line.run_id for line in lines if line.level in ("warning", "error"))
    room: dict[int, int] = {}
    for run_id, count in sorted(per_run.items()):  # in id order: two writers cannot deadlock
        after = session.scalar(
            text("""
                UPDATE job_runs SET event_count = event_count + :count, warning_count = warning_count + :warnings
                WHERE id = :run_id RETURNING event_count"""),
            {"run_id": run_id, "count": count, "warnings": warnings[run_id]},
        )
        if after is not None:  # None: retention removed the run meanwhile
            room[run_id] = MOST_LINES - (after - count)
    rows = []
    for line in lines:
        left = room.get(line.run_id)
        if left is None or left < 0:
            continue
        room[line.run_id] = left - 1
        full = left == 0
        rows.append(
            {
                "run_id": line.run_id,
                "level": "warning" if full else line.level,
                "name": "log_truncated" if full else line.name,
                "message": f"The log is cut here: {MOST_LINES:,} lines are kept" if full else line.message,
                "step": line.step,
                "data": json.dumps({} if full else line.data),
                "ago": time.monotonic() - line.since,
            }
        )
    if rows:
        session.execute(
            text("""
                INSERT INTO job_run_events (run_id, level, name, message, step, data, at)
                VALUES (:run_id, :level, :name, :message, :step, CAST(:data AS jsonb),
                    clock_timestamp() - make_interval(secs => :ago))"""),
            rows,
        )
