"""Trend rules of others, beside which ours are measured: counts up to the judged day in, who is flagged out.

As described in the vendors' and authors' public pages; thresholds are the usual ones, set before any run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Counts = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rule = Callable[[Counts, Counts], Flags]  # counts (themes, days) and weekday factors (days), both with the judged day


def any_increase(counts: Counts, factors: Counts) -> Flags:
    """More this week than last week, at least 2: what the system before this one called a trend."""
    week, before = counts[:, -7:].sum(axis=1), counts[:, -14:-7].sum(axis=1)
    return (week > before) & (week >= 2)


def twice_the_mean(counts: Counts, factors: Counts) -> Flags:
    return (counts[:, -1] >= 2 * counts[:, -8:-1].mean(axis=1)) & (counts[:, -1] >= 3)


def half_more_than_last_week(counts: Counts, factors: Counts) -> Flags:
    week, before = counts[:, -7:].sum(axis=1), counts[:, -14:-7].sum(axis=1)
    return (week >= 1.5 * before) & (week >= 5)


def three_deviations(counts: Counts, factors: Counts) -> Flags:
    base = counts[:, -29:-1]
    return counts[:, -1] > base.mean(axis=1) + 3 * base.std(axis=1)


def median_deviations(counts: Counts, factors: Counts) -> Flags:
    base = counts[:, -29:-1]
    middle = np.median(base, axis=1)
    spread = 1.4826 * np.median(np.abs(base - middle[:, None]), axis=1)
    return (counts[:, -1] > middle + 3.5 * spread) & (counts[:, -1] >= 3)


def poisson_tail(counts: Counts, factors: Counts) -> Flags:
    """Below 1 in 1,000, without weekdays and without bursts."""
    mean = (counts[:, -57:-1].sum(axis=1) + 0.25) / 56
    return (counts[:, -1] >= 3) & (stats.poisson.sf(counts[:, -1] - 1, mean) < 0.001)


def moving_average(counts: Counts, factors: Counts) -> Flags:
    """EWMA control chart, weight 0.3, limit 3.5, on counts by weekday."""
    base, usual = counts[:, -57:-29], factors[-57:-29]
    rate = (base.sum(axis=1) + 0.25) / usual.sum()
    level = np.zeros(len(counts))
    for day in range(-28, 0):
        mean = rate * factors[day]
        level = 0.3 * (counts[:, day] - mean) / np.sqrt(mean) + 0.7 * level
    return (level > 3.5 * np.sqrt(0.3 / 1.7)) & (counts[:, -7:].sum(axis=1) >= 3)


def week_multiple(counts: Counts, factors: Counts) -> Flags:
    """Sentry's limit on days: the week's mean times (mean + 5 deviations) / mean, held between 5 and 8."""
    week = counts[:, -8:-1]
    mean = np.maximum(week.mean(axis=1), 1 / 7)
    return counts[:, -1] > mean * np.clip((mean + 5 * week.std(axis=1)) / mean, 5, 8)


RULES: dict[str, Rule] = {
    "any increase on last week": any_increase,
    "twice the mean of 7 days": twice_the_mean,
    "+50 % on last week": half_more_than_last_week,
    "mean + 3 deviations": three_deviations,
    "median + 3.5 MAD": median_deviations,
    "Poisson tail": poisson_tail,
    "EWMA 0.3, 3.5": moving_average,
    "Sentry-like": week_multiple,
}
