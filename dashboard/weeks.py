"""The days that a page of the week compares, as its address asks for them (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from dashboard.forms import Query
from miner.errors import InvalidArguments
from miner.weeks import DAY, FIRST, LAST, Days, Week

__all__ = ["Compared", "RangeQuery", "Week", "compare"]

MOST_DAYS = 731


def _day(value: str) -> str:
    if value:
        try:
            found = dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError("it is no day: write it like 2026-11-24") from None
        if str(found) != value or not FIRST <= found <= LAST:
            raise ValueError(f"it is no day from {FIRST} to {LAST}: write it like 2026-11-24")
    return value


Day = Annotated[str, AfterValidator(_day)]


class RangeQuery(Query):
    """Days, both included, in the workspace's zone, and the days they are held against."""

    from_: Annotated[Day, Field(alias="from")] = ""
    to: Day = ""
    against_from: Day = ""
    against_to: Day = ""


@dataclass(frozen=True)
class Compared:
    """The days `now` against the days `before`; `week`: now is that whole week and before the one before it."""

    now: Days
    before: Days
    today: dt.date

    @property
    def week(self) -> Week | None:
        week = Week.of(self.now.first, self.now.zone)
        return week if (self.now, self.before) == (week.days, week.days.before()) else None

    @property
    def is_present(self) -> bool:
        """Whether today is among the days, so that what is marked now belongs on the page."""
        return self.now.first <= self.today <= self.now.last


def compare(asked: RangeQuery, *, zone: ZoneInfo, now: dt.datetime) -> Compared:
    """What was asked for: without days the present week; without days to hold it against, as many days right before.

    Raises InvalidArguments for a range that ends before it begins or is longer than MOST_DAYS.
    """
    today = now.astimezone(zone).date()
    days = _range(asked.from_, asked.to, ("from", "to"), zone=zone, today=today) or Week.of(today, zone).days
    before = _range(asked.against_from, asked.against_to, ("against_from", "against_to"), zone=zone, today=today)
    return Compared(days, before or days.before(), today)


def _range(first: str, last: str, names: tuple[str, str], *, zone: ZoneInfo, today: dt.date) -> Days | None:
    if not first and not last:
        return None
    if not first:
        raise InvalidArguments({names[0]: f"{names[1]} is given: say from which day on, too"})
    start = dt.date.fromisoformat(first)
    end = dt.date.fromisoformat(last) if last else max(start, today)
    if end < start:
        raise InvalidArguments({names[1]: f"{end} is before {start}: give the later day here"})
    if end - start >= MOST_DAYS * DAY:
        raise InvalidArguments({names[0]: f"that is more than {MOST_DAYS} days: choose fewer"})
    return Days(start, end, zone)
