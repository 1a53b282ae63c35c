"""What a step sees of its run, and the unit: one transaction in which rows, progress and the run's row move together.

The fenced update is the unit's last statement. If another worker holds the run by then it touches no row, the unit
raises RunLost and everything in it is rolled back: at-least-once execution becomes effectively-once data.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.config import Config
from miner.errors import CancelRequested, PauseRequested, RunLost, ShutdownRequested, StepError, YieldDue
from miner.runs.holds import Hold, Holds
from miner.runs.steps import mark_completed
from miner.settings import Settings

# A run that has worked this long gives others a turn at its next unit.
YIELD_SECONDS = 20 * 60


@dataclass(frozen=True)
class Skip:
    """What a step returns when it had nothing to do: the reason, as a sentence."""

    reason: str


class DeadlinePassed(StepError):
    """The run has worked longer than its job allows."""


@dataclass
class Unit:
    """One transaction of a step. What is added here is committed together with the rows, or not at all."""

    session: Session
    checkpoint: dict[str, Any] | None
    last: bool = False
    skipped: str | None = None
    done: int = 0
    counters: dict[str, int | Decimal] = field(default_factory=dict)

    def advance(self, done: int) -> None:
        self.done += done

    def count(self, **amounts: int | Decimal) -> None:
        for name, amount in amounts.items():
            self.counters[name] = self.counters.get(name, 0) + amount


@dataclass
class StepContext:
    """Handed to a step's `run`. `args` are the job's validated arguments; `checkpoint` is where the step stopped."""

    hold: Hold
    holds: Holds
    config: Config
    settings: Settings
    settings_version: int
    position: int
    checkpoint: dict[str, Any] | None
    in_pipeline: bool
    transaction: Callable[[], Any] = field(default_factory=lambda: db.transaction)
    completed: bool = False
    _total: int | None = None
    _total_known: bool = False
    _sentence: str | None = None

    @property
    def run_id(self) -> int:
        return self.hold.claim.run_id

    @property
    def job_name(self) -> str:
        return self.hold.claim.job_name

    @property
    def args(self) -> dict[str, Any]:
        return self.hold.claim.args

    def expect(self, total: int | None) -> None:
        """Say how many units of work the step has in all; None: unknown. Shown with the next unit."""
        self._total, self._total_known = total, True

    def say(self, sentence: str) -> None:
        """What the run does right now, shown with the next unit."""
        self._sentence = sentence

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A short read transaction."""
        with self.transaction() as session:
            yield session

    @contextmanager
    def unit(self, *, last: bool = False, leaving: bool = False) -> Iterator[Unit]:
        """One transaction of work; keep it under 5 s and wait for nothing outside in it.

        `last` completes the step in the same transaction: a step that does not resume from a checkpoint needs it, or a
        worker lost between its only unit and its end would do and count that unit again. `leaving` stores what is in
        hand although the run was asked to leave: answers that are paid for are not thrown away.

        Raises, before the block: CancelRequested, PauseRequested, ShutdownRequested, YieldDue, DeadlinePassed, RunLost;
        after it: RunLost, and then nothing of the block is kept.
        """
        if not leaving:
            self.check()
        cancel = False
        with self.transaction() as session:
            unit = Unit(session, self.checkpoint, last=last)
            yield unit
            session.flush()
            cancel = self._fence(unit)
        self.checkpoint, self.completed = unit.checkpoint, last
        if cancel:
            self.hold.cancel.set()

    def check(self) -> None:
        """Raise if the run should leave its thread now; called by every unit, and by long loops without units."""
        if self.hold.lost.is_set():
            raise RunLost(f"run {self.run_id} is held by another worker now")
        if self.hold.cancel.is_set():
            raise CancelRequested(f"run {self.run_id} was asked to stop")
        if self.holds.paused.is_set():
            raise PauseRequested("everything is paused")
        if self.holds.stopping.is_set():
            raise ShutdownRequested("the process is stopping")
        deadline = self.hold.claim.deadline_seconds
        if self.hold.worked_seconds > deadline:
            raise DeadlinePassed(f"{self.job_name} has worked longer than its limit of {deadline / 3600:g} h")
        if time.monotonic() - self.hold.since > YIELD_SECONDS:
            raise YieldDue("gave others a turn")

    def _fence(self, unit: Unit) -> bool:
        """Write progress, counters and checkpoint under the token; return whether a cancel is asked for."""
        counters = json.dumps({name: _number(amount) for name, amount in unit.counters.items()})
        session = unit.session
        session.execute(
            text("""
                UPDATE job_run_steps SET done = done + :done, progress_at = clock_timestamp(),
                    total = CASE WHEN :total_known THEN CAST(:total AS bigint) ELSE total END,
                    checkpoint = CAST(:checkpoint AS jsonb),
                    counters = add_counters(counters, CAST(:counters AS jsonb))
                WHERE run_id = :run_id AND position = :position"""),
            {
                "done": unit.done,
                "total": self._total,
                "total_known": self._total_known,
                "checkpoint": json.dumps(unit.checkpoint) if unit.checkpoint is not None else None,
                "counters": counters,
                "run_id": self.run_id,
                "position": self.position,
            },
        )
        if unit.last:
            mark_completed(session, self.run_id, self.position, skipped=unit.skipped)
        row = session.execute(
            text("""
                UPDATE job_runs SET counters = add_counters(counters, CAST(:counters AS jsonb)),
                    progress = coalesce(:sentence, progress)
                WHERE id = :run_id AND lease_token = :token AND state = 'running'
                RETURNING cancel_requested_at IS NOT NULL AS cancel"""),
            {
                "counters": counters,
                "sentence": self._sentence,
                "run_id": self.run_id,
                "token": self.hold.claim.token,
            },
        ).one_or_none()
        if row is None:
            self.hold.lost.set()
            raise RunLost(f"run {self.run_id} is held by another worker now; its unit is rolled back")
        return bool(row.cancel)


def _number(amount: int | Decimal) -> int | float:
    return amount if isinstance(amount, int) else float(amount)
