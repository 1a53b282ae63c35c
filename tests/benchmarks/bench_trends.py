"""False alarms and delays of the trend rules on simulated streams, beside the rules of others, printed as tables.

Run by hand with THEMES series a world (environment; 1,000 take a minute). 84 days, of which the last 28 are judged,
each with what came before it; weekday factors are estimated from the streams. Aims: false alarms under 0.1 in 100
theme-days of a stream with a working week, a jump to five times found within a day at the median.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.trends.counting import estimate_weekday_factors
from miner.trends.detect_csv import judge_every_day
from miner.trends.detection import ALPHA, HOURLY_ALPHA, RISING_AT_LEAST
from miner.trends.measures import SPIKE_AT_LEAST, Measures, measure
from tests.benchmarks.trend_rules import RULES, Flags

pytestmark = pytest.mark.benchmark
ONSET, END = 56, 84
MONDAY = dt.date(2026, 1, 5)
WEEK = np.array([1.2] * 5 + [0.5] * 2) / np.mean([1.2] * 5 + [0.5] * 2)
Counts = NDArray[np.float64]
Judge = Callable[[Counts, Counts], Flags]


def stream(world: str, mean: float, themes: int, *, jump: float = 1.0, before: float = 1.0) -> Counts:
    """`world` is week (Poisson with a working week), bursty (variance mean + mean²/3) or flat (Poisson, no pattern)."""
    random = np.random.default_rng([themes, round(mean * 10), round(jump * 10), len(world)])
    usual = mean * (np.ones(END) if world == "flat" else WEEK[np.arange(END) % 7])
    usual[ONSET:] *= jump
    usual[:ONSET] *= before
    rates = np.broadcast_to(usual, (themes, END))
    return random.poisson(random.gamma(3, rates / 3) if world == "bursty" else rates).astype(float)


def spike(one: Measures, alpha: float = ALPHA) -> Flags:
    return (one.day >= SPIKE_AT_LEAST) & (one.spike_p < alpha)


def rising(one: Measures) -> Flags:
    return (one.recent >= RISING_AT_LEAST) & (one.rising_p < ALPHA)


def ours(counts: Counts, factors: Counts) -> Flags:
    """Spike or Rising."""
    one = measure(counts, factors)
    return spike(one) | rising(one)


def fading(counts: Counts, factors: Counts) -> Flags:
    return measure(counts, factors).fading_p < ALPHA


def judge_days(counts: Counts, rule: Judge) -> list[Flags]:
    """Each judged day. Factors come from as many themes as make about 30 reports a day."""
    enough = max(1, round(30 / max(counts[:, :ONSET].mean(), 0.1)))
    pooled = counts[:enough].sum(axis=0)
    return [
        rule(counts[:, : day + 1], estimate_weekday_factors(pooled[:day], MONDAY)[np.arange(day + 1) % 7])
        for day in range(ONSET, END)
    ]


def alarms(counts: Counts, rule: Judge) -> float:
    """False alarms per 100 theme-days."""
    return 100 * float(np.mean(judge_days(counts, rule)))


def delays(counts: Counts, rule: Judge = ours) -> NDArray[np.int64]:
    """Days from the change to the first flag of each theme; 99: never."""
    first = np.full(len(counts), 99)
    for day, hit in enumerate(judge_days(counts, rule)):
        first[hit & (first == 99)] = day
    return first


def said(first: NDArray[np.int64]) -> str:
    median = float(np.median(first))
    return f"{(first < 7).mean():5.2f} ({'-' if median > 28 else f'{median:.0f}'})"


def test_false_alarms_and_delays_beside_the_rules_of_others() -> None:
    themes = int(os.environ.get("THEMES", "1000"))
    rules: dict[str, Judge] = {**RULES, "ours: Spike or Rising": ours}
    means = (0.2, 1, 3, 10)
    print("\nfalse alarms per 100 theme-days; week: 0.2 / 1 / 3 / 10 a day | bursty: 1 / 3 / 10")
    for name, rule in rules.items():
        week = " ".join(f"{alarms(stream('week', mean, themes), rule):7.3f}" for mean in means)
        bursty = " ".join(f"{alarms(stream('bursty', mean, themes), rule):7.3f}" for mean in means[1:])
        print(f"{name:28} {week} | {bursty}")
    changes = (("week", 1, 2), ("week", 1, 3), ("week", 1, 5), ("week", 3, 2), ("week", 3, 3), ("bursty", 1, 5))
    print("\nfound within 7 days (median days; 0: the first)")
    print(" " * 28 + " ".join(f"{f'{world} {mean}x{jump}':>12}" for world, mean, jump in changes))
    for name, rule in rules.items():
        found = [said(delays(stream(world, mean, themes, jump=jump), rule)) for world, mean, jump in changes]
        print(f"{name:28} " + " ".join(f"{one:>12}" for one in found))


def test_every_flag_of_ours_in_every_world() -> None:
    themes = int(os.environ.get("THEMES", "1000"))
    flags: dict[str, Judge] = {
        "spike": lambda counts, factors: spike(measure(counts, factors)),
        "rising": lambda counts, factors: rising(measure(counts, factors)),
        "fading": fading,
        "hourly": lambda counts, factors: spike(measure(counts, factors), HOURLY_ALPHA),
    }
    print(f"\n{'no change':24} " + " ".join(f"{name:>8}" for name in flags) + "   per 100 theme-days")
    for world in ("week", "bursty", "flat"):
        for mean in (0.2, 1, 3, 10):
            counts = stream(world, mean, themes)
            print(
                f"{world + f', {mean} a day':24} " + " ".join(f"{alarms(counts, one):8.3f}" for one in flags.values())
            )
    for mean in (1, 2, 4):
        print(f"from nothing to {mean} a day: {said(delays(stream('week', mean, themes, before=0)))}")
    for mean in (1, 3, 10):
        print(f"{mean} a day to a fifth (Fading): {said(delays(stream('week', mean, themes, jump=0.2), fading))}")


def test_the_command_on_one_file_of_many_themes() -> None:
    """What a reader of flags.csv gets: every flag, New and Faded too, with the correction for many themes at work."""
    for themes, jumping in ((200, 0), (200, 10), (200, 200), (600, 0), (600, 12)):
        calm, jump = stream("week", 1, themes), stream("week", 1, themes, jump=5)
        table = np.where((np.arange(themes) < jumping)[:, None], jump, calm)
        days = [MONDAY + dt.timedelta(days=number) for number in range(END)]
        counts = {
            f"{row:03}": {day: int(count) for day, count in zip(days, line, strict=True)}
            for row, line in enumerate(table)
        }
        flags = [
            (int(theme), (day - MONDAY).days - ONSET)
            for theme, day, verdict in judge_every_day(counts)
            if verdict.flag and day >= days[ONSET]
        ]
        false = sum(theme >= jumping for theme, _ in flags)
        quiet = (themes - jumping) * (END - ONSET)
        first = np.array([min((day for one, day in flags if one == theme), default=99) for theme in range(jumping)])
        rate = f"{100 * false / quiet:.3f} false in 100 theme-days" if quiet else "no theme without a change"
        print(f"{themes} themes, {jumping} jump to five times: {rate}" + (f"; found {said(first)}" if jumping else ""))
