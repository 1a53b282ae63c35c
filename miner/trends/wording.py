"""Verdicts in words, pure: a sentence that a person can check, and the numbers behind it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from miner.trends.counting import Coverage
from miner.trends.fixes import Since
from miner.trends.measures import RECENT
from miner.trends.phrases import counted, date


@dataclass(frozen=True)
class History:
    """A theme beside its counts, up to now.

    `first` and `last` are the days of its first and latest report, `reports` counts tickets, `customers` distinct
    customers; None: the source names none, so that reports are counted instead. `fixed` is the day on which its fix
    reached customers, `since` who reported it after that; `told`: that it came back after this fix was said before,
    and is over.
    """

    first: dt.date
    last: dt.date
    reports: int
    customers: int | None
    fixed: dt.date | None = None
    since: Since = field(default_factory=Since)
    told: bool = False


@dataclass(frozen=True)
class Verdict:
    """`flag` None: no trend that the statistics carry; `sentence` says why. `p` is what chance alone would give.

    `holds` are all the flags whose rule holds; `flag` is the first of them.
    """

    flag: str | None
    sentence: str
    p: float | None
    numbers: dict[str, Any]
    holds: frozenset[str] = field(default_factory=frozenset)


def facts(history: History, coverage: Coverage) -> dict[str, Any]:
    return {
        "as_of": coverage.last.isoformat(),
        "covered_days": coverage.days,
        "first": history.first.isoformat(),
        "reports": history.reports,
        "customers": history.customers,
        "counted": "reports" if history.customers is None else "customers a day",
    }


def windows(recent: float, before: float, before_days: float, end: dt.date) -> str:
    """`14 reports in the 7 days to 23 Nov 2026 against 9 in the 28 before`."""
    return f"{counted(recent, 'report')} in the {RECENT} days to {date(end)} against {before:,.0f} in the " + (
        f"{before_days:,.0f} before" if before_days else "time before"
    )


def note(history: History) -> str:
    if history.customers is None:
        return " (reports are counted; this source names no customers)"
    return " (each customer counts once a day)"


def odds(p: float) -> str:
    """A probability as people say it: 0.000247 is "1 in 4,000"."""
    if p < 1e-9:
        return "under 1 in a billion"
    return f"1 in {float(f'{1 / p:.2g}'):,.0f}"


def rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
