"""How much of a sync is left: what is not known yet is not said, and what is known is counted.

A step's unit of work is a ticket that needs nothing more: it was walked, and its conversation is here or not needed.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from miner.runs.context import StepContext, Unit
from miner.tickets.conversations import count_due
from miner.tickets.lanes import Lane


def expect_rest(context: StepContext, unit: Unit, source: str) -> None:
    """Say the step's total: what is done, this unit's share too, and the conversations that wait."""
    done = unit.session.scalar(
        text("SELECT done FROM job_run_steps WHERE run_id = :run AND position = :position"),
        {"run": context.run_id, "position": context.position},
    )
    context.expect((done or 0) + unit.done + count_due(unit.session, source))


def seconds_left(windows: Sequence[Lane], *, at: int | None = None) -> int:
    """The seconds of history that windows still cover (pure); the first of them was walked up to second `at`."""
    left = 0
    for place, window in enumerate(windows):
        begin = max(window.start_time, at) if place == 0 and at is not None else window.start_time
        left += max(0, (window.end_time or begin) - begin)
    return left
