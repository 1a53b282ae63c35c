"""False alarms and delays of the trend rules on simulated streams, printed as tables.

Run by hand with THEMES series a world (environment; 4,000 take half a minute). 84 days, of which
the last 28 are judged, each with what came before it; weekday factors are estimated from the streams.
"""

from __future__ import annotations

import datetime as dt
import os

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.trends.counting import estimate_weekday_factors
from miner.trends.detection import ALPHA, RISING_AT_LEAST
from miner.trends.measures import SPIKE_AT_LEAST, Measures, measure

pytestmark = pytest.mark.benchmark
ONSET, END = 56, 84
MONDAY = dt.date(2026, 1, 5)
WEEK = np.array([1.2] * 5 + [0.5] * 2) / np.mean([1.2] * 5 + [0.5] * 2)
Counts = NDArray[np.float64]


def stream(world: str, mean: float, themes: int, *, jump: float = 1.0, before: float = 1.0) -> Counts:
    """`world` is week (Poisson with a working week), bursty (variance mean + mean²/3) or flat (Poisson, no pattern)."""
    random = np.random.default_rng([themes, round(mean * 10), round(jump * 10), len(world)])
    usual = mean * (np.ones(END) if world == "flat" else WEEK[np.arange(END) % 7])
    usual[ONSET:] *= jump
    usual[:ONSET] *= before
    rates = np.broadcast_to(usual, (themes, END))
    return random.poisson(random.gamma(3, rates / 3) if world == "bursty" else rates).astype(float)


def measures(counts: Counts) -> list[Measures]:
    """Of each judged day. Factors come from as many themes as make about 30 reports a day."""
    enough = max(1, round(30 / max(counts[:, :ONSET].mean(), 0.1)))
    pooled = counts[:enough].sum(axis=0)
    found = []
    for day in range(ONSET, END):
        factors = estimate_weekday_factors(pooled[:day], MONDAY)[np.arange(day + 1) % 7]
        found.append(measure(counts[:, : day + 1], factors))
    return found


def fired(one: Measures) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Spike, Rising and Fading of each theme."""
    spike = (one.day >= SPIKE_AT_LEAST) & (one.spike_p < ALPHA)
    rising = (one.recent >= RISING_AT_LEAST) & (one.rising_p < ALPHA)
    return spike, rising, one.fading_p < ALPHA


def delays(counts: Counts, *, fading: bool = False) -> NDArray[np.int64]:
    """Days from the change to the first flag of each theme; 99: never."""
    first = np.full(len(counts), 99)
    for day, one in enumerate(measures(counts)):
        spike, rising, falling = fired(one)
        hit = falling if fading else spike | rising
        first[hit & (first == 99)] = day
    return first


def test_false_alarms_and_delays_of_the_trend_rules() -> None:
    themes = int(os.environ.get("THEMES", "1000"))
    print(f"{'no change':24} {'spike':>7} {'rising':>7} {'either':>7} {'fading':>7}   per 100 theme-days")
    for world in ("week", "bursty", "flat"):
        for mean in (0.2, 1, 3, 10):
            days = [fired(one) for one in measures(stream(world, mean, themes))]
            shares = [100 * np.mean([day[index] for day in days]) for index in range(3)]
            either = 100 * np.mean([day[0] | day[1] for day in days])
            print(f"{world + f', {mean} a day':24} {shares[0]:7.3f} {shares[1]:7.3f} {either:7.3f} {shares[2]:7.3f}")
    print(f"\n{'change':34} {'in 7 days':>9} {'median':>7}")
    for world in ("week", "bursty"):
        for mean, jump in ((1, 2), (1, 3), (1, 5), (3, 2), (3, 3)):
            first = delays(stream(world, mean, themes, jump=jump))
            print(f"{world + f', {mean} a day x{jump}':34} {(first < 7).mean():9.3f} {np.median(first):7.0f}")
    for mean in (1, 2, 4):
        first = delays(stream("week", mean, themes, before=0))
        print(f"{f'from nothing to {mean} a day':34} {(first < 7).mean():9.3f} {np.median(first):7.0f}")
    for mean in (1, 3, 10):
        first = delays(stream("week", mean, themes, jump=0.2), fading=True)
        print(f"{f'{mean} a day to a fifth (Fading)':34} {(first < 7).mean():9.3f} {np.median(first):7.0f}")
