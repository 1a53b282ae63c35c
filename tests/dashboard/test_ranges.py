"""What the address of the week asks for."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from dashboard.digests import presets, span
from dashboard.weeks import RangeQuery, Week, compare
from miner.errors import InvalidArguments
from miner.weeks import Days

BERLIN = ZoneInfo("Europe/Berlin")
NOW = dt.datetime(2026, 11, 23, 23, 30, tzinfo=dt.UTC)  # Tuesday in Berlin


def asked(**values: str) -> RangeQuery:
    return RangeQuery.model_validate({name.rstrip("_"): value for name, value in values.items()})


def days(first: str, last: str) -> Days:
    return Days(dt.date.fromisoformat(first), dt.date.fromisoformat(last), BERLIN)


def test_without_days_it_is_the_present_week_against_the_one_before_in_the_workspaces_zone() -> None:
    found = compare(asked(), zone=BERLIN, now=NOW)
    assert (found.now, found.before) == (days("2026-11-23", "2026-11-29"), days("2026-11-16", "2026-11-22"))
    assert found.week == Week(dt.date(2026, 11, 23), BERLIN)
    assert (found.is_present, found.today) == (True, dt.date(2026, 11, 24))


def test_a_range_is_held_against_as_many_days_before_it() -> None:
    found = compare(asked(from_="2026-11-01", to="2026-11-10"), zone=BERLIN, now=NOW)
    assert (found.now, found.before) == (days("2026-11-01", "2026-11-10"), days("2026-10-22", "2026-10-31"))
    assert (found.week, found.is_present) == (None, False)


def test_any_other_days_can_be_compared_with_and_a_range_without_an_end_goes_on_to_today() -> None:
    found = compare(asked(from_="2026-11-20", against_from="2025-11-20", against_to="2025-11-25"), zone=BERLIN, now=NOW)
    assert (found.now, found.before) == (days("2026-11-20", "2026-11-24"), days("2025-11-20", "2025-11-25"))
    assert found.is_present


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"to": "2026-11-10"}, "from", "say from which day on"),
        ({"from_": "2026-11-10", "to": "2026-11-09"}, "to", "2026-11-09 is before 2026-11-10"),
        ({"from_": "2020-01-01", "to": "2026-11-09"}, "from", "more than 731 days"),
        ({"against_to": "2026-11-09"}, "against_from", "say from which day on"),
    ],
)
def test_days_that_are_no_range_are_refused_with_what_to_do(values: dict[str, str], field: str, said: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        compare(asked(**values), zone=BERLIN, now=NOW)
    assert said in caught.value.fields[field]


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01", "20261110", "1800-01-01", "2026-W47-1"])
def test_what_is_no_day_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="write it like 2026-11-24"):
        asked(from_=value)


def test_a_range_across_a_change_of_the_clocks_begins_and_ends_at_midnight() -> None:
    found = days("2026-10-19", "2026-10-25")
    assert found.starts == dt.datetime(2026, 10, 18, 22, tzinfo=dt.UTC)
    assert found.ends == dt.datetime(2026, 10, 25, 23, tzinfo=dt.UTC)
    assert found.count == 7


def test_the_presets_say_which_of_them_is_shown() -> None:
    def chosen(**values: str) -> list[str]:
        return [one.word for one in presets(compare(asked(**values), zone=BERLIN, now=NOW)) if one.chosen]

    assert chosen() == ["This week"]
    assert chosen(from_="2026-11-16", to="2026-11-22") == ["Last week"]
    assert chosen(from_="2026-10-26", to="2026-11-22") == ["Last 4 weeks"]
    assert chosen(from_="2026-11-16", to="2026-11-22", against_from="2026-01-01", against_to="2026-01-07") == []
    urls = [one.url for one in presets(compare(asked(), zone=BERLIN, now=NOW))]
    assert urls == ["/", "/?from=2026-11-16&to=2026-11-22", "/?from=2026-10-26&to=2026-11-22"]


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-11-16", "2026-11-22", "16 to 22 Nov 2026"),
        ("2026-10-26", "2026-11-22", "26 Oct to 22 Nov 2026"),
        ("2026-12-28", "2027-01-03", "28 Dec 2026 to 3 Jan 2027"),
        ("2026-11-16", "2026-11-16", "16 Nov 2026"),
    ],
)
def test_a_span_says_of_its_first_day_what_differs(first: str, last: str, said: str) -> None:
    assert span(days(first, last)) == said
