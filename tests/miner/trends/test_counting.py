from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from miner.trends.counting import Coverage, estimate_weekday_factors, fill_days, spread_factors

MONDAY = dt.date(2026, 9, 7)
WEEK = np.array([1.3, 1.3, 1.2, 1.2, 1.1, 0.5, 0.4])


def days_after(number: int) -> dt.date:
    return MONDAY + dt.timedelta(days=number)


def test_the_latest_days_never_reach_before_the_first() -> None:
    coverage = Coverage(MONDAY, days_after(9))
    assert coverage.latest(3) == Coverage(days_after(7), days_after(9))
    assert coverage.latest(99) == coverage


def test_days_without_a_report_are_zero() -> None:
    coverage = Coverage(MONDAY, days_after(3))
    assert fill_days({days_after(1): 4, days_after(9): 7}, coverage).tolist() == [0, 4, 0, 0]


@pytest.mark.parametrize("first", [MONDAY, days_after(4)])
def test_a_weekly_pattern_is_found_whatever_day_comes_first(first: dt.date) -> None:
    random = np.random.default_rng(1)
    usual = 40 * WEEK[(np.arange(84) + first.weekday()) % 7]
    factors = estimate_weekday_factors(random.poisson(usual).astype(float), first)
    assert factors.mean() == pytest.approx(1)
    assert np.abs(factors - WEEK).max() < 0.15


def test_a_stream_without_a_pattern_gets_factors_near_one() -> None:
    spread = []
    for seed in range(30):
        totals = np.random.default_rng(seed).poisson(4, 56).astype(float)
        raw = np.array([totals[day::7].mean() for day in range(7)]) / totals.mean()
        spread.append((np.abs(estimate_weekday_factors(totals, MONDAY) - 1).mean(), np.abs(raw - 1).mean()))
    shrunk, plain = np.mean(spread, axis=0)
    assert shrunk < plain / 3


@pytest.mark.parametrize("totals", [[], [0.0] * 30, [5.0] * 13])
def test_too_little_to_know_a_pattern_means_none(totals: list[float]) -> None:
    assert estimate_weekday_factors(np.array(totals), MONDAY).tolist() == [1] * 7


def test_a_weekday_that_never_had_a_ticket_is_rare_not_impossible() -> None:
    totals = np.tile([10.0, 10, 10, 10, 10, 0, 0], 12)
    factors = estimate_weekday_factors(totals, MONDAY)
    assert 0 < factors[6] < 0.1


def test_factors_follow_the_calendar() -> None:
    spread = spread_factors(WEEK, Coverage(days_after(5), days_after(8)))
    assert spread.tolist() == [0.5, 0.4, 1.3, 1.3]
