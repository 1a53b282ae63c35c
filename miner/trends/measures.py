"""The probabilities behind the trend flags, pure: arrays of daily counts in, one row of numbers for each theme out.

Formulas of docs/explanation/themes-and-trends.md. scipy.special alone: scipy.stats costs 40 MB more. A tail of a
negative binomial or a binomial is a regularised incomplete beta function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from miner.trends.counting import Floats, Mask

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
    before: Floats  # sum of the days that count among the 28 before them
    before_days: Floats
    rising_p: Floats
    fading_p: Floats


def measure(
    counts: Floats, factors: Floats, known: Mask | None = None, since: NDArray[np.int64] | None = None
) -> Measures:
    """`counts` has shape (themes, days) and ends with the judged day; at most the last 57 are used.

    `factors` say what is usual on each day, shape (days,) or (themes, days). `known` marks the days that count
    before the last 7; `since` is the index of the first day that counts for each theme.
    """
    kept = np.ones(counts.shape, bool) if known is None else np.broadcast_to(known, counts.shape)
    if since is not None:
        kept = kept & (np.arange(counts.shape[1]) >= since[:, None])
    factors = np.broadcast_to(factors, counts.shape)
    counts, factors, kept = counts[:, -BASELINE - 1 :], factors[:, -BASELINE - 1 :], kept[:, -BASELINE - 1 :]
    base, usual, inside = counts[:, :-1], factors[:, :-1], kept[:, :-1]
    rate, dispersion = _baseline(base, usual, inside)
    outliers = (base >= SPIKE_AT_LEAST) & (tail_of_counts(base, rate[:, None] * usual, dispersion[:, None]) < OUTLIER)
    clean_rate, clean_dispersion = _baseline(base, usual, inside & ~outliers)
    expected = clean_rate * factors[:, -1]

    window = slice(max(0, counts.shape[1] - RECENT - BEFORE), -RECENT)
    recent = counts[:, -RECENT:].sum(axis=1)
    before = np.where(kept, counts, 0)[:, window].sum(axis=1)
    recent_weight = factors[:, -RECENT:].sum(axis=1)
    share = recent_weight / (recent_weight + np.where(kept, factors, 0)[:, window].sum(axis=1))
    # A spike that is over is no fall: what fades is compared with the days that were none.
    calm = kept[:, :-1] & ~outliers
    calm = np.concatenate([calm, np.ones((len(counts), 1), bool)], axis=1)
    calm_before = np.where(calm, counts, 0)[:, window].sum(axis=1)
    calm_share = recent_weight / (recent_weight + np.where(calm, factors, 0)[:, window].sum(axis=1))
    # Bursts make counts look more certain than they are: dividing by the dispersion takes that back.
    up = np.ceil(recent / dispersion)
    return Measures(
        day=counts[:, -1],
        expected=expected,
        spike_p=tail_of_counts(counts[:, -1], expected, clean_dispersion),
        dispersion=dispersion,
        recent=recent,
        before=before,
        before_days=kept[:, window].sum(axis=1).astype(np.float64),
        rising_p=at_least(up, np.floor(before / dispersion), share),
        fading_p=at_least(np.floor(calm_before / dispersion), up, 1 - calm_share),
    )


def _baseline(base: Floats, usual: Floats, kept: Mask) -> tuple[Floats, Floats]:
    """Reports on a day of factor 1, and the dispersion, over the days kept."""
    days = kept.sum(axis=1)
    rate: Floats = (np.where(kept, base, 0).sum(axis=1) + 0.25) / np.maximum(np.where(kept, usual, 0).sum(axis=1), 0.25)
    means = rate[:, None] * usual
    squares = np.where(kept, (base - means) ** 2 / means, 0).sum(axis=1)
    seen = (squares + DISPERSION_WEIGHT * USUAL_DISPERSION) / (days + DISPERSION_WEIGHT)
    return rate, np.maximum(1.01, seen)


def tail_of_counts(count: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """P(X >= count) of a negative binomial X with this mean and variance `dispersion` times the mean."""
    size = mean / (dispersion - 1)
    tail = special.betainc(np.maximum(count, 1), size, 1 - 1 / dispersion)
    return np.where(count >= 1, tail, 1.0)


def at_least(successes: Floats, failures: Floats, share: Floats | float) -> Floats:
    """P(X >= successes) of a binomial X of successes + failures trials."""
    return np.where(successes >= 1, special.betainc(np.maximum(successes, 1), failures + 1, share), 1.0)


def keep_share_of_false(p: Floats, share: float) -> Mask:
    """Which of these chances to call a change so that at most `share` of those called are expected to be false.

    Benjamini and Hochberg, "Controlling the false discovery rate" (1995).
    """
    ranked = np.sort(p)
    passing = np.flatnonzero(ranked <= share * np.arange(1, len(p) + 1) / max(1, len(p)))
    return p <= (ranked[passing[-1]] if len(passing) else -1.0)


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
