"""When a change is a trend, pure: counts of covered days in; a flag, a sentence and the numbers behind it out.

The judged day is the last complete day, so that a verdict stands until the day is over and looking every hour raises no
more alarms than looking once. NEW alone also counts what came since: it asks who reported, not how often a day.

As a command, without a database: `python -m miner.trends.detection --in counts.csv --out flags.csv`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from miner.trends.counting import Coverage, Floats
from miner.trends.measures import RECENT, SPIKE_AT_LEAST, Measures, measure, ratio_interval

ALPHA = 0.001
LEAST_COVERED = 28  # covered days below which no rate is judged
NEW_WITHIN, NEW_REPORTS, NEW_COVERED = 14, 3, 14  # days, distinct customers, covered days before the first report
RISING_AT_LEAST = 5
FADED_AFTER = 28  # days without a report
LEAST_TELLING = 7  # reports in 35 days under which even a doubling could not be seen


@dataclass(frozen=True)
class History:
    """A theme beside its counts: days of its first and latest report, up to now, and who reported.

    `customers` are distinct customers; None: the source names none, so that reports are counted instead.
    """

    first: dt.date
    last: dt.date
    reports: int
    customers: int | None


@dataclass(frozen=True)
class Verdict:
    """`flag` None: no trend that the statistics carry; `sentence` says why. `p` is what chance alone would give."""

    flag: str | None
    sentence: str
    p: float | None
    numbers: dict[str, Any]


def judge_themes(
    counts: Floats, factors: Floats, coverage: Coverage, histories: Sequence[History], alpha: float = ALPHA
) -> list[Verdict]:
    """One verdict for each row of `counts`, shape (themes, days), which ends with the last covered day.

    The last 57 days are used; `factors` are the weekday factors of the same days.
    """
    if not histories:
        return []
    if coverage.days < LEAST_COVERED:
        return [_judge_new(history, coverage) or _too_early(history, coverage) for history in histories]
    found = measure(counts, factors)
    return [
        _judge_new(history, coverage) or _judge_rates(found, row, history, coverage, alpha)
        for row, history in enumerate(histories)
    ]


def _judge_new(history: History, coverage: Coverage) -> Verdict | None:
    voices = history.reports if history.customers is None else history.customers
    before = (history.first - coverage.first).days
    recent = (coverage.last - history.first).days <= NEW_WITHIN
    if not recent or before < NEW_COVERED or voices < NEW_REPORTS:
        return None
    whose = "" if history.customers is None else f" from {_count(voices, 'customer')}"
    return Verdict(
        "new",
        f"New: {_count(history.reports, 'report')}{whose} since {_date(history.first)}, none in the {before} days "
        f"before{_note(history) if history.customers is None else ''}",
        None,
        {**_facts(history, coverage), "days_before": before},
    )


def _too_early(history: History, coverage: Coverage) -> Verdict:
    why = f"Too few to tell: {coverage.days} covered days, {LEAST_COVERED} are needed"
    if (history.first - coverage.first).days < NEW_COVERED:
        why += "; first seen in imported history"
    return Verdict(None, why, None, _facts(history, coverage))


def _judge_rates(found: Measures, row: int, history: History, coverage: Coverage, alpha: float) -> Verdict:
    day, expected, recent, before = (float(one[row]) for one in (found.day, found.expected, found.recent, found.before))
    spike_p, rising_p, fading_p = float(found.spike_p[row]), float(found.rising_p[row]), float(found.fading_p[row])
    low, high = ratio_interval(recent, before, float(found.dispersion[row]), found.before_days)
    numbers = _facts(history, coverage) | {
        "day": int(day),
        "day_expected": _round(expected),
        "spike_p": _round(spike_p),
        "recent": int(recent),
        "recent_days": RECENT,
        "before": int(before),
        "before_days": found.before_days,
        "ratio": _round(recent / RECENT / (before / found.before_days)) if before else None,
        "ratio_low": _round(low),
        "ratio_high": None if high is None else _round(high),
        "dispersion": _round(float(found.dispersion[row])),
        "rising_p": _round(rising_p),
        "fading_p": _round(fading_p),
    }
    end = _date(coverage.last)
    before_said = f"{before:,.0f} in the {found.before_days} before"
    windows = f"{_count(recent, 'report')} in the {RECENT} days to {end} against {before_said}"
    note = _note(history)
    if day >= SPIKE_AT_LEAST and spike_p < alpha:
        said = f"Spike: {_count(day, 'report')} on {end} where {expected:.1f} are usual; chance of this {odds(spike_p)}"
        return Verdict("spike", said + note, spike_p, numbers)
    if recent >= RISING_AT_LEAST and rising_p < alpha:
        said = f"Rising: {windows}; chance of this without a change {odds(rising_p)}"
        return Verdict("rising", said + note, rising_p, numbers)
    if (coverage.last - history.last).days >= FADED_AFTER:
        said = f"Faded: no report in the {FADED_AFTER} days to {end}; the last one came on {_date(history.last)}"
        return Verdict("faded", said, fading_p, numbers)
    if fading_p < alpha:
        said = f"Fading: {windows}; chance of this without a change {odds(fading_p)}"
        return Verdict("fading", said + note, fading_p, numbers)
    few = recent + before < LEAST_TELLING
    return Verdict(
        None, f"{'Too few to tell' if few else 'No clear change'}: {windows}", min(spike_p, rising_p), numbers
    )


def _facts(history: History, coverage: Coverage) -> dict[str, Any]:
    return {
        "as_of": coverage.last.isoformat(),
        "covered_days": coverage.days,
        "first": history.first.isoformat(),
        "reports": history.reports,
        "customers": history.customers,
        "counted": "reports" if history.customers is None else "customers a day",
    }


def _note(history: History) -> str:
    if history.customers is None:
        return " (reports are counted; this source names no customers)"
    return " (each customer counts once a day)"


def odds(p: float) -> str:
    """A probability as people say it: 0.000247 is "1 in 4,000"."""
    if p < 1e-9:
        return "under 1 in a billion"
    return f"1 in {float(f'{1 / p:.2g}'):,.0f}"


def _count(number: float, noun: str) -> str:
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"


def _date(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"


def _round(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    from miner.trends.detect_csv import main

    main()
