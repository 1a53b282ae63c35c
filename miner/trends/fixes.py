"""What a fix did, pure: which reports count against it, and whether it holds.

A report after the fix counts unless it names an older version of the product, or says that its problem began earlier:
those customers do not have the fix, or tell of what was there before it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from zoneinfo import ZoneInfo

PARTS = ("before", "after", "older_version", "began_earlier")
APART = ("older_version", "began_earlier")
QUIET_DAYS = 28  # without a report that counts, before a fix is said to hold
BEFORE_DAYS = 56  # how far before the fix its problem's rate is taken from
CHANCE = 0.05  # a silence that comes by chance more often than this says nothing
_VERSION = re.compile(r"(?<![\w.])v?(\d{1,6}(?:\.\d{1,6}){0,4})(?!\w|\.\d)", re.I)
_MOST_VERSIONS = 20
_DAY = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")


@dataclass(frozen=True)
class Report:
    """A report of a theme; `customer_id` None: unknown. `version` and `began` are what its ticket says of them."""

    issue_id: int
    ticket_id: int
    customer_id: int | None
    occurred_at: dt.datetime
    version: str | None = None
    began: str | None = None


@dataclass(frozen=True)
class Since:
    """Who reported after a fix: `who` are distinct customers, and tickets where the customer is unknown.

    `unknown` are the latter, `voices` counts each once a day, `last` is the day of the latest report; `apart` are the
    reports that do not count.
    """

    who: int = 0
    unknown: int = 0
    voices: int = 0
    last: dt.date | None = None
    apart: int = 0


def parse_versions(text: str) -> list[tuple[int, ...]]:
    """Every version in a text: `app v7.2.1 on iOS 17.1` has (7, 2, 1) and (17, 1)."""
    found = _VERSION.findall(text)[:_MOST_VERSIONS]
    return [tuple(int(part) for part in one.split(".")) for one in found]


def is_older(named: str, fixed: str) -> bool:
    """Whether each version that `named` has is older than `fixed`; where one has fewer places, those decide.

    A version of 7 may be 7.2.1 and is not called older, nor is what holds a number that is not older.
    """
    wanted = parse_versions(fixed)
    if not wanted:
        return False
    versions = parse_versions(named)
    return bool(versions) and all(one < wanted[0][: len(one)] for one in (v[: len(wanted[0])] for v in versions))


def place_report(report: Report, *, fixed_at: dt.datetime, fixed_version: str | None) -> str:
    """One of PARTS."""
    if report.occurred_at < fixed_at:
        return "before"
    if fixed_version and report.version and is_older(report.version, fixed_version):
        return "older_version"
    began = _parse_day(report.began)
    return "began_earlier" if began and began < fixed_at.date() else "after"


def count_since(
    reports: Iterable[Report], *, fixed_at: dt.datetime, fixed_version: str | None, zone: ZoneInfo
) -> Since:
    """Who reported since the fix. A customer counts once, and once a day in `voices`."""
    who: set[tuple[str, int]] = set()
    voices: set[tuple[str, int, dt.date]] = set()
    last, apart = None, 0
    for one in reports:
        part = place_report(one, fixed_at=fixed_at, fixed_version=fixed_version)
        apart += part in APART
        if part == "after":
            name = ("ticket", one.ticket_id) if one.customer_id is None else ("customer", one.customer_id)
            day = one.occurred_at.astimezone(zone).date()
            who.add(name)
            voices.add((*name, day))
            last = day if last is None else max(last, day)
    return Since(len(who), sum(kind == "ticket" for kind, _ in who), len(voices), last, apart)


@dataclass(frozen=True)
class Rates:
    """Reports and customers a day before and after a fix, with the days that they are counted in."""

    before: int
    before_voices: int
    before_days: int
    after: int
    after_voices: int
    after_days: int


def judge_holding(rates: Rates, *, quiet_days: int) -> tuple[bool, str] | None:
    """(whether the fix holds, sentence) after 28 quiet days; None: they are not over, and nothing can be said.

    The chance is that of so few voices after the fix, had nothing changed: binomial, given all voices.
    """
    if rates.after_days < QUIET_DAYS or quiet_days < QUIET_DAYS:
        return None
    voices, share = rates.before_voices + rates.after_voices, rates.after_days / (rates.before_days + rates.after_days)
    holds = _at_most(rates.after_voices, of=voices, share=share) < CHANCE
    said = f"before {weekly(rates.before, rates.before_days)} a week, after {weekly(rates.after, rates.after_days)}"
    return holds, f"{'Holding' if holds else 'Too few to tell'}: {said}"


def weekly(reports: int, days: int) -> str:
    """Reports a week: `6.1`, `0.2`, `0`; what is more than none is never rounded to it."""
    rate = 7 * reports / max(1, days)
    if reports and rate < 0.05:
        return "under 0.1"
    return f"{rate:.1f}" if reports else "0"


def _at_most(count: int, *, of: int, share: float) -> float:
    """The chance that at most `count` of `of` fall where `share` of them do."""
    if of > 1000:  # far more than the question needs, and factorials of it would not fit a float
        count, of = count * 1000 // of, 1000
    return sum(comb(of, one) * share**one * (1 - share) ** (of - one) for one in range(count + 1))


def _parse_day(text: str | None) -> dt.date | None:
    """The day that a text begins with, of a month its last; None: none."""
    match = _DAY.match(text or "")
    if match is None:
        return None
    year, month = int(match[1]), int(match[2])
    try:
        if match[3]:
            return dt.date(year, month, int(match[3]))
        return dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)
    except ValueError:
        return None
