"""Cron lines: five fields in an IANA zone, checked, explained and walked (pure).

The arithmetic is cronsim's, which is right across clock changes: a time in the spring gap runs once, at the first
instant after it; a time that occurs twice in autumn runs once. Five fields only, since cronsim reads six as seconds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from miner.errors import InvalidArguments

NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
FIELDS = ("minute", "hour", "day", "month", "day_of_week")


def check_cron(cron: str) -> str:
    """The cron line as it is stored; raises InvalidArguments for anything that is not five fields which come true."""
    line = NAMED.get(cron.strip().lower(), " ".join(cron.split()))
    if len(line) > 200 or len(line.split(" ")) != 5:
        raise InvalidArguments(
            {"cron": "five fields are needed: minute hour day month weekday, or @daily and the like"}
        )
    try:
        next(CronSim(line, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)))
    except StopIteration:
        raise InvalidArguments({"cron": f"{cron!r} never comes"}) from None
    except CronSimError as error:
        raise InvalidArguments({"cron": f"{cron!r} is not a cron line: {error}"}) from None
    return line


def check_timezone(name: str) -> str:
    """The zone's name; raises InvalidArguments for one that does not exist."""
    if name not in available_timezones():
        raise InvalidArguments({"timezone": f"{name!r} is not an IANA time zone such as Europe/Berlin"})
    return name


def fire_times(cron: str, timezone: str, after: dt.datetime) -> Iterator[dt.datetime]:
    """Fire times strictly after `after`, in UTC, without end."""
    for instant in CronSim(cron, after.astimezone(ZoneInfo(timezone))):
        yield instant.astimezone(dt.UTC)


def next_fire_times(cron: str, timezone: str, after: dt.datetime, count: int = 5) -> list[dt.datetime]:
    """The next `count` fire times strictly after `after`, in UTC."""
    walk = fire_times(cron, timezone, after)
    return [instant for _, instant in zip(range(count), walk, strict=False)]


def describe_cron(cron: str) -> str:
    """The line as an English sentence, for example "At 02:00 every day"."""
    return CronSim(cron, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)).explain()


def trigger_text(cron: str) -> str:
    """The fields that are not `*`, as the replaced system wrote them: cron[hour='2', minute='0']."""
    named = dict(zip(FIELDS, cron.split(), strict=True))
    order = ("month", "day", "day_of_week", "hour", "minute")
    return f"cron[{', '.join(f'{name}={named[name]!r}' for name in order if named[name] != '*')}]"
