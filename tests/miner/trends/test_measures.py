from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from miner.trends.measures import at_least, measure, ratio_interval, tail_of_counts

FLAT = np.ones(57)


def test_the_tail_of_counts_is_the_negative_binomial_of_scipy() -> None:
    for count in (0, 1, 3, 17):
        for mean in (0.005, 0.8, 12.0):
            for dispersion in (1.01, 1.3, 4.0):
                size = mean / (dispersion - 1)
                expected = stats.nbinom.sf(count - 1, size, 1 / dispersion)
                found = tail_of_counts(np.array([float(count)]), np.array([mean]), np.array([dispersion]))
                assert found[0] == pytest.approx(expected, rel=1e-8, abs=1e-300)


def test_at_least_is_the_binomial_of_scipy() -> None:
    for up in (0, 1, 5, 40):
        for down in (0, 3, 90):
            found = at_least(np.array([float(up)]), np.array([float(down)]), 0.2)
            assert found[0] == pytest.approx(stats.binom.sf(up - 1, up + down, 0.2), rel=1e-8)


def test_the_windows_are_seven_days_against_the_twenty_eight_before() -> None:
    counts = np.arange(57, dtype=float)[None, :]
    found = measure(counts, FLAT)
    assert (found.recent[0], found.before[0], found.before_days) == (sum(range(50, 57)), sum(range(22, 50)), 28)
    short = measure(counts[:, :30], FLAT[:30])
    assert (short.recent[0], short.before[0], short.before_days) == (sum(range(23, 30)), sum(range(23)), 23)


def test_dispersion_is_shrunk_towards_the_usual_one() -> None:
    even = measure(np.full((1, 57), 4.0), FLAT)
    assert even.dispersion[0] == pytest.approx(1.01)  # (0 + 20 x 1.3) / 76 is below the least
    bursts = np.zeros((1, 57))
    bursts[0, :56:8] = 16
    mean, days = 16 * 7 / 56, np.where(bursts[0, :56] > 0, 16, 0)
    seen = (((days - mean) ** 2 / mean).sum() + 26) / 76
    assert measure(bursts, FLAT).dispersion[0] == pytest.approx(seen, rel=0.01)


def test_a_quiet_weekday_makes_the_same_count_less_usual() -> None:
    counts = np.full((1, 57), 2.0)
    quiet = FLAT.copy()
    quiet[-1] = 0.4
    assert measure(counts, quiet).expected[0] == pytest.approx(0.4 * measure(counts, FLAT).expected[0])
    assert measure(counts, quiet).spike_p[0] < measure(counts, FLAT).spike_p[0]


def test_an_earlier_spike_does_not_make_the_next_one_usual() -> None:
    counts = np.full((2, 57), 1.0)
    counts[:, -1] = 9
    counts[1, 30] = 9
    found = measure(counts, FLAT)
    assert found.expected[1] == pytest.approx(found.expected[0], rel=0.05)
    assert found.dispersion[1] > found.dispersion[0]  # a rise is still judged with all days
    assert found.spike_p[1] == pytest.approx(found.spike_p[0], rel=0.5)


def test_bursts_weaken_what_a_rise_says() -> None:
    steady, bursty = np.ones((1, 57)), np.zeros((1, 57))
    bursty[0, 0:50:5] = 5
    steady[0, -7:] = bursty[0, -7:] = 2
    assert measure(steady, FLAT).rising_p[0] < measure(bursty, FLAT).rising_p[0]


def test_a_fall_is_judged_as_a_rise_is() -> None:
    counts = np.full((1, 57), 3.0)
    counts[0, -7:] = 0
    found = measure(counts, FLAT)
    assert found.fading_p[0] < 1e-6
    assert found.rising_p[0] == 1


def test_themes_are_judged_apart() -> None:
    counts = np.random.default_rng(2).poisson(2.0, (5, 57)).astype(float)
    together = measure(counts, FLAT)
    for row in range(5):
        alone = measure(counts[row : row + 1], FLAT)
        assert alone.spike_p[0] == together.spike_p[row]
        assert alone.rising_p[0] == together.rising_p[row]


def test_the_interval_of_the_ratio_holds_the_ratio() -> None:
    low, high = ratio_interval(14, 9, 1.2, 28)
    assert high is not None
    assert 1 < low < (14 / 7) / (9 / 28) < high
    assert ratio_interval(6, 0, 1.2, 28)[1] is None
    assert ratio_interval(0, 20, 1.2, 28)[0] == 0
