"""How numbers, times and durations read."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard import render

NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (4.9, "just now"),
        (12, "12 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 d ago"),
        (34 * 86400, "34 d ago"),
        (35 * 86400, "20 Oct 2026"),
        (-3, "in a moment"),
        (-30, "in 30 s"),
        (-7200, "in 2 h"),
    ],
)
def test_a_time_is_told_from_now(seconds: float, words: str) -> None:
    assert render.ago(NOW - dt.timedelta(seconds=seconds), NOW) == words


def test_what_is_unknown_is_never_zero() -> None:
    assert render.ago(None, NOW) == render.number(None) == render.percent(None) == render.duration(None) == "unknown"
    assert render.absolute(None) == render.day(None) == "unknown"
    assert render.plural(None, "ticket") == "unknown tickets"


def test_absolute_times_are_in_utc() -> None:
    berlin = dt.datetime(2026, 11, 24, 13, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert render.absolute(berlin) == "2026-11-24 12:00:00 UTC"
    assert render.iso(berlin) == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1076, "1,076"),
        (1_500_000, "1,500,000"),
        (Decimal("0.10"), "0.1"),
        (4.3125, "4.31"),
        (1000.0, "1,000"),
        (-5, "-5"),
    ],
)
def test_numbers_have_separators(value: float, text: str) -> None:
    assert render.number(value) == text


def test_words_agree_with_their_number() -> None:
    assert render.plural(1, "ticket") == "1 ticket"
    assert render.plural(1076, "ticket") == "1,076 tickets"
    assert render.plural(0, "reply", "replies") == "0 replies"


def test_a_share_is_whole_only_when_all_of_it_is_there() -> None:
    assert render.percent(0.999) == "99 %"
    assert render.percent(1.0) == "100 %"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (42.9, "42 s"), (192, "3 min 12 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert render.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (9_400_000, "9.4 MB"), (2_000_000_000_000, "2.0 TB")]
)
def test_sizes(count: int, text: str) -> None:
    assert render.size(count) == text


def test_an_address_carries_only_what_says_something() -> None:
    assert render.query(text="a b&c", type="", flag=None, after="1.2") == "?text=a+b%26c&after=1.2"
    assert render.query(text="") == ""


def test_the_address_of_a_file_changes_with_its_content() -> None:
    assert render.asset("miner.css").startswith("/static/miner.css?v=")
    assert render.asset("miner.css") != render.asset("miner.js")
