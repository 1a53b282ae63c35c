"""Days and weeks as people in the workspace's zone live them: Monday to Sunday, named like 2026-W47 (pure)."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from miner.errors import NotFound

FIRST, LAST = dt.date(1990, 1, 1), dt.date(2100, 1, 4)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """The days from `first` to `last`, both included, in `zone`."""

    first: dt.date
    last: dt.date
    zone: ZoneInfo

    @property
    def count(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def starts(self) -> dt.datetime:
        """The instant of the first midnight."""
        return dt.datetime.combine(self.first, dt.time(), self.zone)

    @property
    def ends(self) -> dt.datetime:
        """The instant of the midnight after the last day."""
        return dt.datetime.combine(self.last + DAY, dt.time(), self.zone)

    def before(self) -> Days:
        """As many days, right before these."""
        return Days(self.first - self.count * DAY, self.first - DAY, self.zone)

    def begun(self, now: dt.datetime) -> int:
        """How many of them have begun: 0 before the first, all after the last."""
        return max(0, min(self.count, (now.astimezone(self.zone).date() - self.first).days + 1))


@dataclass(frozen=True)
class Week:
    """The week that begins on `monday`, in `zone`."""

    monday: dt.date
    zone: ZoneInfo

    @classmethod
    def of(cls, day: dt.date, zone: ZoneInfo) -> Week:
        return cls(day - day.weekday() * DAY, zone)

    @classmethod
    def parse(cls, name: str, zone: ZoneInfo) -> Week:
        """The week named like `2026-W47`; raises NotFound for a name that is none."""
        match = re.fullmatch(r"([0-9]{4})-W([0-9]{2})", name)
        try:
            if match is None:
                raise ValueError(name)
            monday = dt.date.fromisocalendar(int(match[1]), int(match[2]), 1)
        except ValueError:
            raise NotFound("week", name) from None
        if not FIRST <= monday <= LAST:
            raise NotFound("week", name)
        return cls(monday, zone)

    @property
    def name(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def number(self) -> int:
        return self.monday.isocalendar().week

    @property
    def sunday(self) -> dt.date:
        return self.monday + 6 * DAY

    @property
    def days(self) -> Days:
        return Days(self.monday, self.sunday, self.zone)

    @property
    def starts(self) -> dt.datetime:
        """The instant of its first midnight."""
        return self.days.starts

    @property
    def ends(self) -> dt.datetime:
        """The instant of the next week's first midnight."""
        return self.days.ends

    def shift(self, weeks: int) -> Week:
        return Week(self.monday + weeks * 7 * DAY, self.zone)

    def days_begun(self, now: dt.datetime) -> int:
        """How many of its days have begun: 0 before it, 7 after it."""
        return self.days.begun(now)
