"""Days and what is usual on them, pure. A day is a calendar day of the workspace's time zone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_FACTOR = 0.05  # a weekday without any ticket yet is rare, not impossible


@dataclass(frozen=True)
class Coverage:
    """The days whose reports are known, both included; every day between them counts, also one without a report."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def latest(self, most: int) -> Coverage:
        """The last `most` days of it."""
        return Coverage(max(self.first, self.last - dt.timedelta(days=most - 1)), self.last)

    def dates(self) -> list[dt.date]:
        return [self.first + dt.timedelta(days=number) for number in range(self.days)]


def find_coverage(ticket_days: Iterable[dt.date], today: dt.date) -> Coverage | None:
    """From the first to the last day with a ticket of any source, `today` excluded because it is not over.

    None: nothing is covered yet. This is the one place that decides what is covered; how far a sync has come belongs
    here once it is known by day.
    """
    complete = [day for day in ticket_days if day < today]
    return Coverage(min(complete), max(complete)) if complete else None


def fill_days(counts: Mapping[dt.date, int], coverage: Coverage) -> Floats:
    """The count of each covered day, in order; days without an entry are 0."""
    return np.array([counts.get(day, 0) for day in coverage.dates()], np.float64)


def estimate_weekday_factors(totals: Floats, first: dt.date) -> Floats:
    """How busy each weekday is, Monday first, with mean 1; `totals` are all tickets of each covered day from `first`.

    Seven raw means are drawn towards 1 by the share of their spread that chance alone would give (James and Stein):
    a stream without a weekly pattern gets factors near 1, however few its tickets. Under two weeks all are 1.
    """
    mean = float(totals.mean()) if len(totals) else 0.0
    if len(totals) < 14 or mean == 0:
        return np.ones(7)
    weekdays = (np.arange(len(totals)) + first.weekday()) % 7
    groups = [totals[weekdays == weekday] / mean for weekday in range(7)]
    raw = np.array([group.mean() for group in groups])
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / max(1, len(totals) - 7)
    chance = within / float(np.mean([len(group) for group in groups]))
    seen = float(raw.var(ddof=1))
    factors = np.maximum(1 + (raw - raw.mean()) * max(0.0, 1 - chance / seen if seen > 0 else 0.0), LEAST_FACTOR)
    balanced: Floats = factors / factors.mean()
    return balanced


def spread_factors(factors: Floats, coverage: Coverage) -> Floats:
    """The factor of each covered day, in order."""
    spread: Floats = factors[(np.arange(coverage.days) + coverage.first.weekday()) % 7]
    return spread
