"""The probabilities behind the trend flags, pure: arrays of daily counts in, one row of numbers for each theme out.

Formulas of docs/explanation/themes-and-trends.md. scipy.special alone: scipy.stats costs 40 MB more. A tail of a
negative binomial or a binomial is a regularised incomplete beta function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from miner.trends.counting import Floats

RECENT, BEFORE, BASELINE = 7, 28, 56  # days
USUAL_DISPERSION, DISPERSION_WEIGHT = 1.3, 20  # the dispersion of 20 imagined days beside those seen
SPIKE_AT_LEAST = 3
OUTLIER = 0.001  # a baseline day less likely than this was a spike itself and is left out


@dataclass(frozen=True)
class Measures:
    """One element for each theme, judged at the last day given. Probabilities are those of no change."""

    day: Floats  # count of the judged day
    expected: Floats  # what is usual on such a day
    spike_p: Floats  # of this many or more
    dispersion: Floats  # variance over mean of the baseline, shrunk
    recent: Floats  # sum of the last 7 days
    before: Floats  # sum of the days before them
    before_days: int
    rising_p: Floats
    fading_p: Floats


def measure(counts: Floats, factors: Floats) -> Measures:
    """`counts` has shape (themes, days) and ends with the judged day; `factors` are the weekday factors of the days.

    At least 8 days; at most the last 57 are used.
    """
    counts, factors = counts[:, -BASELINE - 1 :], factors[-BASELINE - 1 :]
    base, usual = counts[:, :-1], factors[:-1]
    everything = np.ones_like(base, dtype=bool)
    rate, dispersion = _baseline(base, usual, everything)
    outliers = (base >= SPIKE_AT_LEAST) & (tail_of_counts(base, rate[:, None] * usual, dispersion[:, None]) < OUTLIER)
    clean_rate, clean_dispersion = _baseline(base, usual, ~outliers)
    expected = clean_rate * factors[-1]

    before_days = min(BEFORE, counts.shape[1] - RECENT)
    recent = counts[:, -RECENT:].sum(axis=1)
    before = counts[:, -RECENT - before_days : -RECENT].sum(axis=1)
    recent_weight = factors[-RECENT:].sum()
    share = recent_weight / (recent_weight + factors[-RECENT - before_days : -RECENT].sum())
    # Bursts make counts look more certain than they are: dividing by the dispersion takes that back.
    up, down = np.ceil(recent / dispersion), np.floor(before / dispersion)
    return Measures(
        day=counts[:, -1],
        expected=expected,
        spike_p=tail_of_counts(counts[:, -1], expected, clean_dispersion),
        dispersion=dispersion,
        recent=recent,
        before=before,
        before_days=before_days,
        rising_p=at_least(up, down, share),
        fading_p=at_least(down, up, 1 - share),
    )


def _baseline(base: Floats, usual: Floats, kept: np.typing.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Reports on a day of factor 1, and the dispersion, over the days kept."""
    days = kept.sum(axis=1)
    rate: Floats = (np.where(kept, base, 0).sum(axis=1) + 0.25) / np.where(kept, usual, 0).sum(axis=1)
    means = rate[:, None] * usual
    squares = np.where(kept, (base - means) ** 2 / means, 0).sum(axis=1)
    seen = (squares + DISPERSION_WEIGHT * USUAL_DISPERSION) / (days + DISPERSION_WEIGHT)
    return rate, np.maximum(1.01, seen)


def tail_of_counts(count: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """P(X >= count) of a negative binomial X with this mean and variance `dispersion` times the mean."""
    size = mean / (dispersion - 1)
    tail = special.betainc(np.maximum(count, 1), size, 1 - 1 / dispersion)
    return np.where(count >= 1, tail, 1.0)


def at_least(successes: Floats, failures: Floats, share: float) -> Floats:
    """P(X >= successes) of a binomial X of successes + failures trials."""
    return np.where(successes >= 1, special.betainc(np.maximum(successes, 1), failures + 1, share), 1.0)


def ratio_interval(recent: float, before: float, dispersion: float, days: float) -> tuple[float, float | None]:
    """95 % bounds (Clopper and Pearson) of the rate of the recent 7 days over that of the `days` before.

    Counts are divided by the dispersion first. The upper bound is None where nothing was reported before.
    """
    a, b = recent / dispersion, before / dispersion
    low = special.betaincinv(a, b + 1, 0.025) if a else 0.0
    scale = days / RECENT
    if not b:
        return float(low / (1 - low) * scale), None
    high = special.betaincinv(a + 1, b, 0.975)
    return float(low / (1 - low) * scale), float(high / (1 - high) * scale)
