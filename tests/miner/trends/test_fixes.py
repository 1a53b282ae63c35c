"""Which reports count against a fix, and whether it holds."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.trends.fixes import (
    PARTS,
    Rates,
    Report,
    Since,
    count_since,
    is_older,
    judge_holding,
    parse_versions,
    place_report,
    weekly,
)

FIXED = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
UTC = ZoneInfo("UTC")
DAY = dt.timedelta(days=1)


def report(after: dt.timedelta = DAY, customer: int | None = 1, ticket: int = 1, **facts: str) -> Report:
    return Report(1, ticket, customer, FIXED + after, facts.get("version"), facts.get("began"))


def place(one: Report, version: str | None = "7.2.1") -> str:
    return place_report(one, fixed_at=FIXED, fixed_version=version)


@pytest.mark.parametrize(
    ("named", "older"),
    [
        ("7.2.0", True),
        ("v7.1", True),
        ("Version 6 (Android)", True),
        ("7.2.1", False),
        ("7.2.1.4", False),
        ("7.10", False),
        ("7.2", False),  # it may be 7.2.1
        ("7", False),
        ("app 7.2.0 on iOS 17.1", False),  # 17.1 may be what it names
        ("iOS 6, app 7.0", True),
        ("the newest one", False),
        ("", False),
        ("2024-11-build7", False),
    ],
)
def test_an_older_version_is_told_by_its_numbers(named: str, older: bool) -> None:
    assert is_older(named, "7.2.1") is older


def test_versions_are_found_in_a_text() -> None:
    assert parse_versions("app v7.2.1 on iOS 17.1") == [(7, 2, 1), (17, 1)]
    assert parse_versions("x7 7y 1234567 8.") == [(8,)]
    assert is_older("7.2", "no number") is False


def test_reports_are_split_at_the_fix() -> None:
    assert place(report(-DAY)) == "before"
    assert place(report(dt.timedelta(0))) == "after"
    assert place(report(version="7.1")) == "older_version"
    assert place(report(version="7.1"), None) == "after"
    assert place(report(began="2026-11-02")) == "began_earlier"
    assert place(report(began="2026-11-03")) == "after"
    assert place(report(began="2026-10")) == "began_earlier"
    assert place(report(began="2026-11")) == "after"
    assert place(report(began="last week")) == "after"
    assert place(report(began="2026-13-99")) == "after"


def test_a_customer_counts_once_and_what_is_listed_apart_not_at_all() -> None:
    reports = [
        report(),
        report(2 * DAY),
        report(2 * DAY, ticket=2),
        report(customer=2),
        report(3 * DAY, customer=None, ticket=7),
        report(3 * DAY, customer=None, ticket=7),
        report(9 * DAY, customer=3, version="7.0"),
        report(9 * DAY, customer=4, began="2026-01-01"),
        report(-DAY, customer=5),
    ]
    found = count_since(reports, fixed_at=FIXED, fixed_version="7.2.1", zone=UTC)
    assert found == Since(who=3, unknown=1, voices=4, last=dt.date(2026, 11, 6), apart=2)
    assert count_since([], fixed_at=FIXED, fixed_version=None, zone=UTC) == Since()


def test_a_fix_holds_after_28_quiet_days_if_the_silence_says_something() -> None:
    rates = Rates(before=49, before_voices=40, before_days=56, after=1, after_voices=1, after_days=35)
    assert judge_holding(rates, quiet_days=28) == (True, "Holding: before 6.1 a week, after 0.2")
    assert judge_holding(rates, quiet_days=27) is None
    rare = Rates(before=2, before_voices=2, before_days=56, after=0, after_voices=0, after_days=28)
    assert judge_holding(rare, quiet_days=28) == (False, "Too few to tell: before 0.2 a week, after 0")
    new = Rates(0, 0, 56, 0, 0, 27)
    assert judge_holding(new, quiet_days=99) is None


def test_a_rate_that_is_not_none_is_never_written_as_none() -> None:
    assert [weekly(0, 56), weekly(1, 400), weekly(49, 56), weekly(3, 0)] == ["0", "under 0.1", "6.1", "21.0"]


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20))
def test_no_text_breaks_the_split(version: str, fixed: str, began: str) -> None:
    one = Report(1, 1, None, FIXED + DAY, version, began)
    assert place_report(one, fixed_at=FIXED, fixed_version=fixed) in PARTS


@given(*[st.integers(0, 5_000)] * 2, *[st.integers(28, 400)] * 2)
def test_holding_is_always_said_one_way_or_the_other(before: int, after: int, days: int, since: int) -> None:
    found = judge_holding(Rates(before, before, days, after, after, since), quiet_days=28)
    assert found is not None
    assert found[1].startswith("Holding" if found[0] else "Too few to tell")
