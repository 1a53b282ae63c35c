"""The rule on simulated streams: a small form of the simulation in the benchmarks, with room for chance."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.trends.counting import Coverage, estimate_weekday_factors, spread_factors
from miner.trends.detection import judge_themes
from miner.trends.wording import History

MONDAY = dt.date(2026, 1, 5)
WEEK = np.array([1.2] * 5 + [0.5] * 2) / np.mean([1.2] * 5 + [0.5] * 2)
ONSET, END = 56, 84
THEMES = 400


def stream(mean: float, *, onset_factor: float = 1.0, seed: int = 11) -> NDArray[np.float64]:
    """Daily Poisson counts with a working week, shape (themes, days); changed by `onset_factor` from day 56 on."""
    usual = mean * WEEK[np.arange(END) % 7]
    usual[ONSET:] *= onset_factor
    return np.random.default_rng(seed).poisson(usual, (THEMES, END)).astype(float)


def flags(counts: NDArray[np.float64], day: int) -> list[str | None]:
    """The flags at the end of `day`, with factors that all themes up to then give."""
    coverage = Coverage(MONDAY, MONDAY + dt.timedelta(days=day))
    seen = counts[:, : day + 1]
    factors = spread_factors(estimate_weekday_factors(seen.sum(axis=0), MONDAY), coverage)
    last = [int(np.flatnonzero(row)[-1]) if row.any() else 0 for row in seen]
    histories = [History(MONDAY, MONDAY + dt.timedelta(days=number), 99, 99) for number in last]
    return [verdict.flag for verdict in judge_themes(seen, factors, coverage, histories)]


@pytest.mark.parametrize("mean", [1, 3, 10])
def test_streams_without_a_change_raise_hardly_any_flag(mean: float) -> None:
    counts = stream(mean)
    raised = [flag for day in range(ONSET, END) for flag in flags(counts, day)]
    alarms = sum(flag in ("spike", "rising") for flag in raised)
    # 11,200 theme-days: 0.09 in 100 are usual, 0.15 the bound; 0.25 leaves room for this one sample.
    assert alarms <= 0.0025 * len(raised)
    assert sum(flag == "fading" for flag in raised) <= 0.001 * len(raised)


def test_a_jump_to_five_times_is_found_within_a_week() -> None:
    counts = stream(1, onset_factor=5)
    found = np.zeros(THEMES, bool)
    for day in range(ONSET, ONSET + 7):
        found |= [flag in ("spike", "rising") for flag in flags(counts, day)]
    assert found.mean() >= 0.95


def test_a_fall_to_a_fifth_of_ten_a_day_is_found_within_a_week() -> None:
    counts = stream(10, onset_factor=0.2)
    assert np.mean([flag == "fading" for flag in flags(counts, ONSET + 6)]) >= 0.95
