"""What a trial says: before and after by type, area and severity, what is gained and lost, and what all would cost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.issues.comparison import MEASURES, Comparison, compare
from miner.issues.estimate import Estimate
from miner.models import Trial, TrialReading


@dataclass(frozen=True)
class TrialReport:
    """A trial and its comparison. `price` is of reading the whole scope; None: unknown, or nothing was read yet."""

    trial: Trial
    read: int
    failed: int
    comparison: Comparison
    dollars: Decimal | None
    price: Estimate | None

    @property
    def counts(self) -> dict[str, list[tuple[str, int, int]]]:
        return {measure: self.comparison.counts(measure) for measure in MEASURES}


def get_report(session: Session, trial_id: int) -> TrialReport:
    """Raises NotFound. A trial that is still read gives what there is so far."""
    trial = session.get(Trial, trial_id)
    if trial is None:
        raise NotFound("trial", trial_id)
    rows = session.scalars(
        select(TrialReading)
        .where(TrialReading.trial_id == trial_id, TrialReading.outcome.is_not(None))
        .order_by(TrialReading.ticket_id)
    ).all()
    # A failed reading says nothing of the issues that are there, and would leave them as they are.
    held = [row for row in rows if row.outcome != "failed"]
    costs = [row.cost_usd for row in rows]
    local = trial.analyzer == "local"
    return TrialReport(
        trial=trial,
        read=len(rows),
        failed=len(rows) - len(held),
        comparison=compare((row.ticket_id, row.before or [], row.found or []) for row in held),
        dollars=Decimal(0) if local else _sum(rows),
        price=Estimate(Decimal(0), Decimal(0)) if local else project([one for one in costs if one], trial.tickets),
    )


def list_trials(session: Session, *, limit: int = 10) -> Sequence[Trial]:
    return session.scalars(select(Trial).order_by(Trial.id.desc()).limit(limit)).all()


def project(costs: Sequence[Decimal], tickets: int) -> Estimate | None:
    """What `tickets` will cost by what some of them did: the mean with its 95 % interval. None: nothing to go by."""
    if not costs:
        return None
    dollars = [float(cost) for cost in costs]
    mean = statistics.fmean(dollars)
    half = 1.96 * statistics.stdev(dollars) / math.sqrt(len(dollars)) if len(dollars) > 1 else mean
    low, high = max(0.0, mean - half), mean + half
    return Estimate(Decimal(repr(low)) * tickets, Decimal(repr(high)) * tickets)


def _sum(rows: Sequence[TrialReading]) -> Decimal | None:
    """Dollars of the readings; skipped ones cost nothing, one of unknown cost makes the sum unknown."""
    asked = [row.cost_usd for row in rows if row.outcome not in ("skipped", "failed")]
    return None if None in asked else sum((one for one in asked if one is not None), Decimal(0))
