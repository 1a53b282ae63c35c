from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.trends.covering import Readings, Sources, Span, choose_sources, find_coverage, group_readings

LAST = dt.date(2026, 11, 23)
OLD, NEW = ("local", "1", "{}"), ("claude", "c", "{}")


def ago(number: int) -> dt.date:
    return LAST - dt.timedelta(days=number)


def span(first: int, last: int = 0) -> Span:
    return Span(ago(first), ago(last))


def test_the_days_are_those_that_every_account_covers() -> None:
    assert choose_sources([span(90), span(40, 2)], None) == Sources(span(40, 2), with_files=False)
    assert choose_sources([span(90), None], None) is None
    assert choose_sources([span(90, 50), span(40)], None) is None


def test_files_alone_cover_from_their_first_ticket_to_their_last() -> None:
    assert choose_sources([], span(90, 3)) == Sources(span(90, 3), with_files=True)
    assert choose_sources([], None) is None


@pytest.mark.parametrize(
    ("files", "counts"), [(span(80), True), (span(56), True), (span(55), False), (span(80, 1), False), (None, False)]
)
def test_files_count_beside_a_mirror_only_where_they_reach_over_all_compared_days(
    files: Span | None, counts: bool
) -> None:
    found = choose_sources([span(90)], files)
    assert found is not None
    assert found.with_files is counts
    assert found.span == (files if counts else span(90))


def days(**changed: Readings) -> dict[dt.date, Readings]:
    """Sixty days of 20 tickets read by one reader; `d3=...` replaces that of three days ago."""
    usual = {ago(number): Readings({OLD: 20}, 0) for number in range(60)}
    return usual | {ago(int(name[1:])): one for name, one in changed.items()}


def test_a_day_counts_when_95_percent_of_it_is_read() -> None:
    coverage, why = find_coverage(span(59), days(d30=Readings({OLD: 19}, 1), d31=Readings({OLD: 18}, 2)))
    assert (coverage.holes, coverage.days, why) == ({ago(31)}, 59, None)


def test_a_week_that_is_not_read_is_not_judged_and_says_how_much() -> None:
    _, why = find_coverage(span(59), days(d0=Readings({OLD: 100}, 1), d6=Readings({}, 211)))
    assert why == "212 tickets of this week are not analysed yet"
    assert find_coverage(span(59), days(d7=Readings({}, 211)))[1] is None
    assert find_coverage(span(59), days(d1=Readings({}, 1)))[1] == "1 ticket of this week is not analysed yet"


def test_days_of_another_reader_do_not_count() -> None:
    coverage, why = find_coverage(span(59), {ago(n): Readings({NEW if n < 10 else OLD: 20}, 0) for n in range(60)})
    assert (coverage.days, why) == (10, None)


def test_a_week_of_two_readers_is_not_judged() -> None:
    _, why = find_coverage(span(59), days(d0=Readings({NEW: 3}, 0), d1=Readings({NEW: 2, OLD: 18}, 0)))
    assert why == "5 tickets of this week were read by another analyzer or taxonomy than the rest"


def test_what_needed_no_reading_counts_as_read_by_all() -> None:
    coverage, why = find_coverage(span(59), days(d0=Readings({(): 20}, 0), d9=Readings({OLD: 5, (): 15}, 0)))
    assert (coverage.days, why) == (60, None)


def test_what_another_reader_found_today_is_not_new() -> None:
    today = {LAST + dt.timedelta(days=1): Readings({NEW: 9}, 40)}
    assert not find_coverage(span(59), days() | today)[0].beyond
    assert find_coverage(span(59), days())[0].beyond


def test_readings_are_grouped_by_day() -> None:
    rows = [(LAST, OLD, 5, 2), (LAST, NEW, 4, 0), (ago(1), OLD, 1, 1)]
    assert group_readings(rows) == {LAST: Readings({OLD: 3, NEW: 4}, 2), ago(1): Readings({OLD: 0}, 1)}


counts = st.integers(0, 30)


@given(st.lists(st.tuples(counts, counts, counts), min_size=1, max_size=60))
def test_every_day_that_counts_is_read_by_one_reader_and_every_other_day_is_a_hole(
    rows: list[tuple[int, int, int]],
) -> None:
    found = {ago(number): Readings({OLD: old, NEW: new}, unread) for number, (old, new, unread) in enumerate(rows)}
    coverage, why = find_coverage(span(len(rows) - 1), found)
    assert coverage.days + len(coverage.holes) == len(rows)
    kept = [one for day, one in found.items() if day not in coverage.holes]
    assert any(all(one.tickets - one.read[reader] <= 0.05 * one.tickets for one in kept) for reader in (OLD, NEW))
    recent = {ago(number) for number in range(7)}
    assert (why is not None) == bool(coverage.holes & recent)
