from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from miner.errors import InvalidArguments
from miner.runs.cron import check_cron, check_timezone, describe_cron, next_fire_times, trigger_text


def local(zone: str, *parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=ZoneInfo(zone))  # type: ignore[misc]


def times(cron: str, zone: str, after: dt.datetime, count: int) -> list[str]:
    return [
        f"{instant.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for instant in next_fire_times(cron, zone, after, count)
    ]


@pytest.mark.parametrize(
    "line", ["*/0 * * * *", "61 * * * *", "* * * * * *", "0 0 31 2 *", "", "a b c d e", "5-3 * * * *", "* * * *",
             "0 25 * * *", "@reboot", "0 0 * * 8", "1,,2 * * * *", "*/1" * 500]
)  # fmt: skip
def test_nonsense_is_refused_by_name(line: str) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        check_cron(line)
    assert list(refusal.value.fields) == ["cron"]


@pytest.mark.parametrize(
    ("line", "stored"),
    [
        ("@daily", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("  0   2 * * *  ", "0 2 * * *"),
        ("*/5 8-18 * * mon-fri", "*/5 8-18 * * mon-fri"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ],
)
def test_every_usual_form_is_taken(line: str, stored: str) -> None:
    assert check_cron(line) == stored


@pytest.mark.parametrize("sunday", ["0", "7", "sun"])
def test_sunday_is_zero_and_seven_and_its_name(sunday: str) -> None:
    after = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)  # a Tuesday
    assert times(f"0 6 * * {sunday}", "UTC", after, 2) == ["11-29 06:00", "12-06 06:00"]


@pytest.mark.parametrize(
    ("zone", "cron", "after", "expected"),
    [
        # New York springs forward on 8 March 2026 at 02:00: a time in the gap comes once, right after it.
        ("America/New_York", "30 2 * * *", (2026, 3, 7, 12), ["03-08 03:00", "03-09 02:30"]),
        ("America/New_York", "0 3 * * *", (2026, 3, 7, 12), ["03-08 03:00", "03-09 03:00"]),
        # and falls back on 1 November: 01:30 exists twice and runs once.
        ("America/New_York", "30 1 * * *", (2026, 10, 31, 12), ["11-01 01:30", "11-02 01:30"]),
        ("Europe/London", "30 1 * * *", (2026, 3, 28, 12), ["03-29 02:00", "03-30 01:30"]),
        ("Europe/London", "30 1 * * *", (2026, 10, 24, 12), ["10-25 01:30", "10-26 01:30"]),
        # Lord Howe moves by half an hour, on 4 October and 5 April 2026.
        ("Australia/Lord_Howe", "15 2 * * *", (2026, 10, 3, 12), ["10-04 02:30", "10-05 02:15"]),
        ("Australia/Lord_Howe", "45 1 * * *", (2026, 4, 4, 12), ["04-05 01:45", "04-06 01:45"]),
        # Kathmandu is 5 h 45 min ahead and never moves.
        ("Asia/Kathmandu", "0 2 * * *", (2026, 3, 28, 12), ["03-29 02:00", "03-30 02:00"]),
    ],
)
def test_clock_changes_neither_lose_nor_double_a_daily_time(
    zone: str, cron: str, after: tuple[int, ...], expected: list[str]
) -> None:
    assert times(cron, zone, local(zone, *after), 2) == expected


def test_hourly_runs_in_every_real_hour_across_a_clock_change() -> None:
    start = local("Europe/London", 2026, 10, 25, 0, 30)
    instants = next_fire_times("0 * * * *", "Europe/London", start, 4)
    assert {later - earlier for earlier, later in pairwise(instants)} == {dt.timedelta(hours=1)}


def test_an_unknown_zone_is_refused_by_name() -> None:
    assert check_timezone("Asia/Kathmandu") == "Asia/Kathmandu"
    with pytest.raises(InvalidArguments, match="Mars/Olympus"):
        check_timezone("Mars/Olympus")


def test_a_line_is_explained_and_named_as_the_replaced_system_did() -> None:
    assert describe_cron("0 2 * * *") == "At 02:00 every day"
    assert trigger_text("0 2 * * *") == "cron[hour='2', minute='0']"
    assert trigger_text("*/5 8-18 * * mon") == "cron[day_of_week='mon', hour='8-18', minute='*/5']"
