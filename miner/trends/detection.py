"""When a change is a trend, pure: counts of covered days in; a flag, a sentence and the numbers behind it out.

The judged day is the last complete day; a look in the middle of a day judges the last 24 hours for a spike only, at a
sixth of the chance, so that looking every hour raises no more alarms than looking once. NEW and CAME BACK alone also
count what came since: they ask who reported, not how often a day.

As a command, without a database: `python -m miner.trends.detection --in counts.csv --out flags.csv`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from miner.trends.counting import Coverage, Floats, Mask
from miner.trends.life import FADED_AFTER, NEW_COVERED, NEW_WITHIN, judge_faded, judge_new, judge_return
from miner.trends.measures import (
    RECENT,
    SPIKE_AT_LEAST,
    Measures,
    keep_share_of_false,
    measure,
    ratio_interval,
)
from miner.trends.phrases import counted, date
from miner.trends.volume import measure_shares
from miner.trends.wording import History, Verdict, facts, note, odds, rounded, windows

# Spike and Rising are two chances to be wrong, so each has less than the 1 in 1,000 that both may have together.
ALPHA, HOURLY_ALPHA = 0.0006, 0.0001
LEAST_COVERED = 28  # covered days below which no rate is judged
RISING_AT_LEAST = 5
LEAST_TELLING = 7  # reports in 35 days under which even a doubling could not be seen
MANY_THEMES, FALSE_SHARE = 250, 0.1  # above so many themes at most this share of the flags of a run is to be false


@dataclass(frozen=True)
class Rates:
    """What `judge_themes` compares, of all themes at once; `calls` says for each test whether it is below alpha."""

    found: Measures
    spike_p: Floats
    rising_p: Floats
    spike: Mask
    rising: Mask
    by_share: Mask  # the chance that counts is that of the theme's share of all tickets


def judge_themes(
    counts: Floats,
    factors: Floats,
    coverage: Coverage,
    histories: Sequence[History],
    alpha: float = ALPHA,
    totals: Floats | None = None,
) -> list[Verdict]:
    """One verdict for each row of `counts`, shape (themes, calendar days of `coverage`, or its latest ones).

    `factors` are the weekday factors of the same days and `totals` all tickets of them (None: not known, and then
    a jump of everything is not told from a jump of each).
    """
    if not histories:
        return []
    rates = None if coverage.days < LEAST_COVERED else _compare(counts, factors, coverage, histories, alpha, totals)
    return [_judge(row, counts[row], rates, history, coverage, alpha) for row, history in enumerate(histories)]


def judge_hours(
    counts: Floats, factors: Floats, coverage: Coverage, histories: Sequence[History], totals: Floats | None, until: str
) -> dict[int, Verdict]:
    """{row: SPIKE} of the 24 hours that end with `until`, for a look in the middle of a day."""
    if coverage.days < LEAST_COVERED or not histories:
        return {}
    rates = _compare(counts, factors, coverage, histories, HOURLY_ALPHA, totals)
    return {
        row: _spike(row, rates, histories[row], coverage, f"in the 24 hours to {until}")
        for row in np.flatnonzero(rates.spike).tolist()
    }


def _compare(
    counts: Floats,
    factors: Floats,
    coverage: Coverage,
    histories: Sequence[History],
    alpha: float,
    totals: Floats | None,
) -> Rates:
    known = coverage.latest(counts.shape[1]).known()
    since = _first_counted(coverage, counts.shape[1], histories)
    found = measure(counts, factors, known, since)
    spike_p, rising_p = found.spike_p.copy(), found.rising_p.copy()
    spike = (found.day >= SPIKE_AT_LEAST) & (spike_p < alpha)
    rising = (found.recent >= RISING_AT_LEAST) & (rising_p < alpha)
    by_share = np.zeros(len(counts), bool)
    rows = np.flatnonzero(spike | rising)
    if totals is not None and len(rows):
        shares = measure_shares(counts[rows], totals, factors, known, since[rows])
        spike_p[rows] = np.where(shares.day_rose, np.maximum(spike_p[rows], shares.spike_p), spike_p[rows])
        rising_p[rows] = np.where(shares.week_rose, np.maximum(rising_p[rows], shares.rising_p), rising_p[rows])
        by_share[rows] = shares.day_rose | shares.week_rose
    if len(counts) > MANY_THEMES:
        spike &= keep_share_of_false(spike_p, FALSE_SHARE)
        rising &= keep_share_of_false(rising_p, FALSE_SHARE)
    return Rates(found, spike_p, rising_p, spike & (spike_p < alpha), rising & (rising_p < alpha), by_share)


def _first_counted(coverage: Coverage, width: int, histories: Sequence[History]) -> NDArray[np.int64]:
    """Where each theme's baseline begins: with its first report, or 14 days ago if that is less.

    The zeros before a theme existed would make its usual rate look like a rise for weeks.
    """
    begin = coverage.last - dt.timedelta(days=width - 1)
    return np.array([min((history.first - begin).days, width - 1 - NEW_WITHIN) for history in histories], np.int64)


def _judge(
    row: int, counts: Floats, rates: Rates | None, history: History, coverage: Coverage, alpha: float
) -> Verdict:
    changed = _changed(row, rates, history, coverage, alpha) if rates else []
    rising = next((one for one in changed if one and one.flag == "rising"), None)
    found = [
        verdict
        for verdict in (
            judge_return(history, rising, day=coverage.last),
            judge_new(history, coverage),
            *changed,
            judge_faded(counts, history, coverage) if rates else None,
        )
        if verdict is not None
    ]
    plain = _steady(row, rates, counts, history, coverage) if rates else _too_early(history, coverage)
    verdict = found[0] if found else plain
    return Verdict(
        verdict.flag,
        verdict.sentence,
        verdict.p,
        plain.numbers | verdict.numbers,
        frozenset(one.flag for one in found if one.flag),
    )


def _too_early(history: History, coverage: Coverage) -> Verdict:
    why = f"Too few to tell: {counted(coverage.days, 'covered day')}, {LEAST_COVERED} are needed"
    if coverage.count(coverage.first, history.first - dt.timedelta(days=1)) < NEW_COVERED:
        why += "; first seen in imported history"
    return Verdict(None, why, None, facts(history, coverage))


def _changed(row: int, rates: Rates, history: History, coverage: Coverage, alpha: float) -> list[Verdict | None]:
    said = windows(*_windows(row, rates), coverage.last)
    rising_p, fading_p = float(rates.rising_p[row]), float(rates.found.fading_p[row])
    share = " even beside the rise of all tickets" if rates.by_share[row] else ""
    return [
        _spike(row, rates, history, coverage, f"on {date(coverage.last)}") if rates.spike[row] else None,
        Verdict(
            "rising",
            f"Rising: {said}; chance of this without a change {odds(rising_p)}{share}{note(history)}",
            rising_p,
            {},
        )
        if rates.rising[row]
        else None,
        Verdict(
            "fading",
            f"Fading: {said}; chance of this without a change {odds(fading_p)}{note(history)}",
            fading_p,
            {},
        )
        if fading_p < alpha and (coverage.last - history.last).days < FADED_AFTER
        else None,
    ]


def _spike(row: int, rates: Rates, history: History, coverage: Coverage, when: str) -> Verdict:
    day, expected, p = (float(one[row]) for one in (rates.found.day, rates.found.expected, rates.spike_p))
    share = " even beside the rise of all tickets" if rates.by_share[row] else ""
    return Verdict(
        "spike",
        f"Spike: {counted(day, 'report')} {when} where {expected:.1f} are usual; chance of this {odds(p)}{share}"
        + note(history),
        p,
        {"day": int(day), "day_expected": rounded(expected), "spike_p": rounded(p)},
        frozenset({"spike"}),
    )


def _windows(row: int, rates: Rates) -> tuple[float, float, float]:
    found = rates.found
    return float(found.recent[row]), float(found.before[row]), float(found.before_days[row])


def _steady(row: int, rates: Rates, counts: Floats, history: History, coverage: Coverage) -> Verdict:
    """No flag, with all the numbers that a flag would rest on."""
    found, (recent, before, days) = rates.found, _windows(row, rates)
    dispersion, spike_p, rising_p = float(found.dispersion[row]), float(rates.spike_p[row]), float(rates.rising_p[row])
    low, high = ratio_interval(recent, before, dispersion, days)
    numbers = facts(history, coverage) | {
        "day": int(found.day[row]),
        "day_expected": rounded(float(found.expected[row])),
        "spike_p": rounded(spike_p),
        "recent": int(recent),
        "recent_days": RECENT,
        "week_before": int(counts[-2 * RECENT : -RECENT].sum()),
        "before": int(before),
        "before_days": int(days),
        "ratio": rounded(recent / RECENT / (before / days)) if before else None,
        "ratio_low": rounded(low),
        "ratio_high": rounded(high),
        "dispersion": rounded(dispersion),
        "rising_p": rounded(rising_p),
        "fading_p": rounded(float(found.fading_p[row])),
    }
    few = recent + before < LEAST_TELLING
    sentence = f"{'Too few to tell' if few else 'No clear change'}: {windows(recent, before, days, coverage.last)}"
    return Verdict(None, sentence, min(spike_p, rising_p), numbers)


if __name__ == "__main__":
    from miner.trends.detect_csv import main

    main()
