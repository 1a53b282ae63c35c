"""The flags about a theme's life, and what tells a rise of one theme from a rise of everything."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.trends.counting import Coverage
from miner.trends.detection import MANY_THEMES, judge_hours, judge_themes
from miner.trends.fixes import Since
from miner.trends.life import judge_faded, judge_new, judge_return
from miner.trends.measures import keep_share_of_false, measure
from miner.trends.wording import History, Verdict

TO = dt.date(2026, 11, 23)
COVERED = Coverage(TO - dt.timedelta(days=99), TO)
OLD = History(COVERED.first, TO, 99, 99)


def ago(number: int) -> dt.date:
    return TO - dt.timedelta(days=number)


def test_a_rare_theme_first_seen_in_a_short_history_is_not_called_new() -> None:
    """Three reports in the second half of a month are what a steady theme looks like, too."""
    month = Coverage(ago(29), TO)
    assert judge_new(History(ago(13), TO, 3, 3), month) is None
    assert judge_new(History(ago(13), TO, 9, 9), month) is not None
    assert judge_new(History(ago(13), TO, 3, 3), COVERED) is not None


def test_what_began_on_a_day_that_does_not_count_is_not_new() -> None:
    history = History(ago(3), TO, 9, 9)
    assert judge_new(history, COVERED) is not None
    assert judge_new(history, replace(COVERED, holes=frozenset({ago(3)}))) is None
    later = History(TO + dt.timedelta(days=1), TO + dt.timedelta(days=1), 9, 9)
    assert judge_new(later, COVERED) is not None
    assert judge_new(later, replace(COVERED, beyond=False)) is None


def returned(who: int, *, fixed: int = 20, last: int = 0, **since: int) -> History:
    """Reported by so many since a fix, the latest time `last` days ago."""
    return replace(OLD, fixed=ago(fixed), since=Since(who=who, last=ago(last) if who else None, **since))


def test_came_back_needs_three_customers_after_the_fix() -> None:
    verdict = judge_return(returned(3, apart=2), None, day=TO)
    assert verdict is not None
    assert verdict.sentence == "Came back: 3 customers since the fix of 3 Nov 2026"
    assert verdict.numbers == {"fixed": "2026-11-03", "since_fixed": 3, "apart": 2}
    assert judge_return(returned(2, apart=9), None, day=TO) is None
    assert judge_return(replace(returned(9), fixed=None), None, day=TO) is None
    nameless = judge_return(replace(returned(3, unknown=3), customers=None), None, day=TO)
    assert nameless is not None
    assert nameless.sentence == "Came back: 3 reports since the fix of 3 Nov 2026"
    mixed = judge_return(returned(4, unknown=1), None, day=TO)
    assert mixed is not None
    assert mixed.sentence == "Came back: 4 customers since the fix of 3 Nov 2026, 1 of them unknown"


def test_a_rise_that_lies_wholly_after_the_fix_is_a_return_too() -> None:
    rising = Verdict("rising", "Rising: 9 reports in the 7 days", 1e-9, {})
    verdict = judge_return(returned(2, voices=5), rising, day=TO)
    assert verdict is not None
    assert verdict.sentence == "Came back: rising since the fix of 3 Nov 2026, 9 reports in the 7 days"
    assert judge_return(returned(2, voices=4), rising, day=TO) is None  # the others name an older version
    assert judge_return(returned(2, voices=5, fixed=6), rising, day=TO) is None
    assert judge_return(returned(2, voices=5, fixed=7), rising, day=TO) is not None


def test_what_came_back_is_said_once_and_is_over_after_28_quiet_days() -> None:
    assert judge_return(returned(5, fixed=60, last=27), None, day=TO) is not None
    assert judge_return(returned(5, fixed=60, last=28), None, day=TO) is None
    assert judge_return(replace(returned(9), told=True), None, day=TO) is None


def test_came_back_stands_before_every_other_flag() -> None:
    counts = np.array([[1.0, 0] * 49 + [0, 9]])
    [verdict] = judge_themes(counts, np.ones(100), COVERED, [returned(4, fixed=9)])
    assert (verdict.flag, verdict.holds) == ("came_back", {"came_back", "spike"})


def test_a_theme_that_was_always_rare_does_not_fade_in_a_month() -> None:
    rare = np.zeros(100)
    rare[[10, 40, 71]] = 1
    assert judge_faded(rare, replace(OLD, last=ago(28)), COVERED) is None
    often = np.concatenate([np.ones(72), np.zeros(28)])
    assert judge_faded(often, replace(OLD, last=ago(28)), COVERED) is not None


def test_days_that_do_not_count_are_no_silence() -> None:
    often = np.concatenate([np.ones(70), np.zeros(30)])
    holes = frozenset(ago(number) for number in range(10, 13))
    assert judge_faded(often, replace(OLD, last=ago(30)), replace(COVERED, holes=holes)) is None


def test_a_steady_theme_is_no_rise_once_it_is_no_longer_new() -> None:
    """From nothing to three a day fifteen days ago: the zeros before it existed are not its usual rate."""
    counts = np.concatenate([np.zeros(83), np.full(17, 3.0)])
    [verdict] = judge_themes(counts[None, :], np.ones(100), COVERED, [replace(OLD, first=ago(16))])
    assert (verdict.flag, verdict.numbers["before_days"]) == (None, 10)


def test_a_spike_that_is_over_is_no_fall() -> None:
    counts = np.full((1, 57), 2.0)
    counts[0, 44:47] = 40
    assert measure(counts, np.ones(57)).fading_p[0] > 0.05


def steady(themes: int, *, last: float = 1.0) -> np.ndarray:
    counts = np.random.default_rng(4).poisson(1.0, (themes, 57)).astype(float)
    counts[:, -1] = last
    return counts


def test_when_everything_rises_together_no_theme_is_flagged() -> None:
    counts = steady(20, last=9)
    covered, histories = COVERED.latest(57), [OLD] * 20
    alone = judge_themes(counts, np.ones(57), covered, histories)
    assert {one.flag for one in alone} == {"spike"}
    together = judge_themes(counts, np.ones(57), covered, histories, totals=counts.sum(axis=0))
    assert {one.flag for one in together} == {None}


def test_the_theme_that_makes_the_rise_is_flagged_whatever_its_share() -> None:
    counts = steady(20)
    counts[3, -1] = 80
    found = judge_themes(counts, np.ones(57), COVERED.latest(57), [OLD] * 20, totals=counts.sum(axis=0))
    assert [row for row, one in enumerate(found) if one.flag] == [3]


def test_a_theme_that_outgrows_a_general_rise_is_flagged_and_says_so() -> None:
    counts = steady(20, last=4)
    counts[3, -1] = 40
    found = judge_themes(counts, np.ones(57), COVERED.latest(57), [OLD] * 20, totals=counts.sum(axis=0))
    assert [row for row, one in enumerate(found) if one.flag] == [3]
    assert "even beside the rise of all tickets" in found[3].sentence


def test_among_many_themes_a_flag_needs_more_and_a_clear_one_stays() -> None:
    counts = np.random.default_rng(5).poisson(1.0, (8 * MANY_THEMES, 57)).astype(float)
    counts[:, -1] = 1
    counts[0, -1] = 7
    histories = [OLD] * len(counts)
    few = judge_themes(counts[:10], np.ones(57), COVERED.latest(57), histories[:10])
    many = judge_themes(counts, np.ones(57), COVERED.latest(57), histories)
    assert few[0].p == many[0].p
    assert (few[0].flag, many[0].flag) == ("spike", None)
    counts[0, -1] = 12
    assert judge_themes(counts, np.ones(57), COVERED.latest(57), histories)[0].flag == "spike"


def test_an_hourly_look_asks_for_less_chance_and_names_the_hour() -> None:
    counts = np.array([[1.0, 0] * 28 + [5], [1.0, 0] * 28 + [9]])
    day = judge_themes(counts, np.ones(57), COVERED.latest(57), [OLD, OLD])
    assert [one.flag for one in day] == ["spike", "spike"]
    found = judge_hours(counts, np.ones(57), COVERED.latest(57), [OLD, OLD], None, "24 Nov 2026 14:00")
    assert [*found] == [1]
    assert found[1].sentence.startswith("Spike: 9 reports in the 24 hours to 24 Nov 2026 14:00 where 0.5 are usual")
    assert judge_hours(counts, np.ones(57), COVERED.latest(27), [OLD, OLD], None, "") == {}


series = st.lists(st.integers(0, 12), min_size=57, max_size=57)


@given(series)
def test_one_more_report_on_the_judged_day_never_weakens_a_spike(days: list[int]) -> None:
    counts = np.array([days, [*days[:-1], days[-1] + 1]], float)
    found = measure(counts, np.ones(57))
    assert found.spike_p[1] <= found.spike_p[0]


@given(series, st.integers(0, 49))
def test_days_that_do_not_count_change_nothing_whatever_they_hold(days: list[int], hole: int) -> None:
    known = np.ones(57, bool)
    known[hole] = False
    other = [*days[:hole], 99, *days[hole + 1 :]]
    here, there = (measure(np.array([one], float), np.ones(57), known) for one in (days, other))
    for name in ("spike_p", "rising_p", "fading_p", "before", "expected", "before_days"):
        assert getattr(here, name)[0] == getattr(there, name)[0]


@given(series)
def test_every_chance_is_one(days: list[int]) -> None:
    found = measure(np.array([days], float), np.ones(57))
    for p in (found.spike_p, found.rising_p, found.fading_p):
        assert 0 <= p[0] <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 0.5))
def test_what_benjamini_and_hochberg_keep_is_the_smallest_and_within_its_bound(p: list[float], share: float) -> None:
    kept = keep_share_of_false(np.array(p), share)
    chosen, left = [one for one, yes in zip(p, kept, strict=True) if yes], [
        one for one, yes in zip(p, kept, strict=True) if not yes
    ]  # fmt: skip
    assert max(chosen, default=0) <= share * len(chosen) / len(p) + 1e-12
    assert all(one > share * (len(chosen) + 1) / len(p) for one in left[:1] if one == min(left))
    assert not chosen or not left or max(chosen) < min(left) or max(chosen) == min(left) == pytest.approx(0)
