"""Days and what is usual on them, pure. A day is a calendar day of the workspace's time zone.

Where a look is taken in the middle of a day, "day" means the 24 hours from that hour on, named by the date they begin.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_FACTOR = 0.05  # a weekday without any ticket yet is rare, not impossible
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Coverage:
    """The days that may be counted: from `first` to `last`, both included, without `holes`.

    Every such day counts, also one without a report. `beyond`: what came after `last` was read as these days were.
    """

    first: dt.date
    last: dt.date
    holes: frozenset[dt.date] = frozenset()
    beyond: bool = True

    @property
    def span(self) -> int:
        """Calendar days, holes included."""
        return (self.last - self.first).days + 1

    @property
    def days(self) -> int:
        """Days that count."""
        return self.span - len(self.holes)

    def latest(self, most: int) -> Coverage:
        """The last `most` calendar days of it."""
        return self._cut(max(self.first, self.last - dt.timedelta(days=most - 1)), self.last)

    def until(self, day: dt.date) -> Coverage:
        """What of it was known at the end of `day`, which lies in it."""
        return self._cut(self.first, day)

    def count(self, first: dt.date, last: dt.date) -> int:
        """How many of the days from `first` to `last` count."""
        first, last = max(first, self.first), min(last, self.last)
        return max(0, (last - first).days + 1) - sum(first <= hole <= last for hole in self.holes)

    def holds(self, day: dt.date) -> bool:
        """Whether what came on `day` may be said to be new; a day after the last one is not over."""
        return self.beyond if day > self.last else day >= self.first and day not in self.holes

    def dates(self) -> list[dt.date]:
        """Its calendar days, holes included."""
        return [self.first + number * _DAY for number in range(self.span)]

    def known(self) -> Mask:
        """For each of `dates`, whether it counts."""
        return np.array([day not in self.holes for day in self.dates()], bool)

    def _cut(self, first: dt.date, last: dt.date) -> Coverage:
        return Coverage(first, last, frozenset(hole for hole in self.holes if first <= hole <= last), self.beyond)


def fill_days(counts: Mapping[dt.date, int], coverage: Coverage) -> Floats:
    """The count of each calendar day of it, in order; days without an entry are 0, and so are holes."""
    return np.array([0 if day in coverage.holes else counts.get(day, 0) for day in coverage.dates()], np.float64)


def estimate_weekday_factors(totals: Floats, first: dt.date, known: Mask | None = None) -> Floats:
    """How busy each weekday is, Monday first, with mean 1; `totals` are all tickets of each day from `first`.

    Seven raw means are drawn towards 1 by the share of their spread that chance alone would give (James and Stein):
    a stream without a weekly pattern gets factors near 1, however few its tickets. Under two weeks all are 1.
    `known` leaves days out.
    """
    known = np.ones(len(totals), bool) if known is None else known
    days = int(known.sum())
    mean = float(totals[known].mean()) if days else 0.0
    weekdays = (np.arange(len(totals)) + first.weekday()) % 7
    groups = [totals[(weekdays == weekday) & known] / (mean or 1.0) for weekday in range(7)]
    if days < 14 or mean == 0 or not all(len(group) for group in groups):
        return np.ones(7)
    raw = np.array([group.mean() for group in groups])
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / max(1, days - 7)
    chance = within / float(np.mean([len(group) for group in groups]))
    seen = float(raw.var(ddof=1))
    factors = np.maximum(1 + (raw - raw.mean()) * max(0.0, 1 - chance / seen if seen > 0 else 0.0), LEAST_FACTOR)
    balanced: Floats = factors / factors.mean()
    return balanced


def spread_factors(factors: Floats, coverage: Coverage) -> Floats:
    """The factor of each calendar day of it, in order."""
    spread: Floats = factors[(np.arange(coverage.span) + coverage.first.weekday()) % 7]
    return spread
