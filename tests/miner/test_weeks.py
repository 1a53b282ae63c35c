"""Weeks in the workspace's zone."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from miner.errors import NotFound
from miner.weeks import Week

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_week_goes_from_monday_to_sunday() -> None:
    week = Week.of(dt.date(2026, 11, 22), BERLIN)
    assert (week.monday, week.sunday, week.name, week.number) == (
        dt.date(2026, 11, 16),
        dt.date(2026, 11, 22),
        "2026-W47",
        47,
    )


def test_the_name_follows_the_iso_year() -> None:
    assert Week.of(dt.date(2027, 1, 1), BERLIN).name == "2026-W53"
    assert Week.parse("2026-W53", BERLIN).shift(1).name == "2027-W01"


def test_a_week_begins_at_midnight_in_the_zone_also_when_the_clocks_change() -> None:
    week = Week.parse("2026-W43", BERLIN)
    assert week.starts == dt.datetime(2026, 10, 18, 22, tzinfo=dt.UTC)
    assert week.ends == dt.datetime(2026, 10, 25, 23, tzinfo=dt.UTC)


def test_days_begun_are_counted_in_the_zone() -> None:
    week = Week.parse("2026-W47", BERLIN)
    assert week.days_begun(dt.datetime(2026, 11, 15, 22, 59, tzinfo=dt.UTC)) == 0
    assert week.days_begun(dt.datetime(2026, 11, 15, 23, 0, tzinfo=dt.UTC)) == 1
    assert week.days_begun(dt.datetime(2026, 11, 22, 22, 59, tzinfo=dt.UTC)) == 7
    assert week.days_begun(dt.datetime(2027, 1, 1, tzinfo=dt.UTC)) == 7


@pytest.mark.parametrize(
    "name",
    ["2026-W54", "2025-W53", "2026-W00", "2026-w47", "26-W47", "0000-W01", "1969-W01", "２０２６-W47", "2026-W47 ", ""],
)
def test_what_is_no_week_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        Week.parse(name, BERLIN)
