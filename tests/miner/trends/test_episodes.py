"""A flag is raised once, stands while its rule holds, and ends 7 days after that."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from miner.trends.episodes import DOWN, UP, Episode, advance, describe, find_shown, inherit
from miner.trends.wording import Verdict

DAY = dt.date(2026, 11, 1)
CALM = Verdict(None, "No clear change", 0.4, {})


def says(flag: str, *holds: str) -> Verdict:
    return Verdict(flag, f"{flag}!", 0.0001, {"n": 1}, frozenset({flag, *holds}))


def live(*verdicts: Verdict | None) -> list[Episode]:
    """The episodes of one theme after a verdict a day; None: a day that is not judged."""
    episodes: list[Episode] = []
    for number, verdict in enumerate(verdicts):
        if verdict is not None:
            advance(episodes, verdict, theme_id=1, day=DAY + dt.timedelta(days=number))
    return episodes


def shape(episodes: list[Episode]) -> list[tuple[str, int, int, int | None]]:
    return [
        (
            one.kind,
            (one.started_on - DAY).days,
            (one.last_on - DAY).days,
            None if one.ended_on is None else (one.ended_on - DAY).days,
        )
        for one in episodes
    ]


def test_a_flag_is_raised_once_however_often_it_flickers() -> None:
    assert shape(live(CALM, says("rising"), CALM, says("rising"), *[CALM] * 6)) == [("rising", 1, 3, None)]


def test_it_ends_seven_days_after_its_rule_held_last_and_can_be_raised_again() -> None:
    assert shape(live(says("rising"), *[CALM] * 7)) == [("rising", 0, 0, 7)]
    assert shape(live(says("rising"), *[CALM] * 7, says("rising"))) == [("rising", 0, 0, 7), ("rising", 8, 8, None)]


def test_a_rule_that_another_flag_hides_goes_on_holding() -> None:
    assert shape(live(says("rising"), *[says("spike", "rising")] * 9)) == [
        ("rising", 0, 9, None),
        ("spike", 1, 9, None),
    ]


def test_a_flag_of_the_other_direction_ends_it_at_once() -> None:
    assert shape(live(says("rising"), says("fading"), says("faded"), says("spike"))) == [
        ("rising", 0, 0, 1),
        ("fading", 1, 1, 2),
        ("faded", 2, 2, 3),
        ("spike", 3, 3, None),
    ]


def test_what_is_reported_again_is_not_faded() -> None:
    assert shape(live(says("faded"), CALM)) == [("faded", 0, 0, 1)]


def test_looking_twice_at_a_day_or_back_at_one_changes_nothing() -> None:
    episodes = live(CALM, CALM, says("rising"))
    advance(episodes, CALM, theme_id=1, day=DAY)
    advance(episodes, says("rising"), theme_id=1, day=DAY + dt.timedelta(days=2))
    assert shape(episodes) == [("rising", 2, 2, None)]


def test_a_theme_shows_the_present_flag_else_the_last_that_stands() -> None:
    episodes = live(says("new"), says("spike"), CALM)
    shown = find_shown(episodes, CALM)
    assert shown is not None
    assert (shown.kind, describe(shown, CALM)) == ("spike", "spike!. Since then: no clear change")
    shown = find_shown(episodes, says("new"))
    assert (shown and shown.kind, describe(shown, says("new"))) == ("new", "new!")
    assert (find_shown([], CALM), describe(None, CALM)) == (None, "No clear change")


def test_episodes_of_a_merged_theme_go_to_its_heir() -> None:
    gone, heir = live(says("rising")), [Episode(2, "spike", DAY, DAY, "spike!")]
    episodes = {1: gone, 2: heir}
    inherit(episodes, heirs={1: 2}, parents={}, day=DAY)
    assert {(one.theme_id, one.kind, one.stands) for one in episodes[2]} == {(2, "spike", True), (2, "rising", True)}
    assert 1 not in episodes


def test_an_heir_with_the_same_flag_keeps_its_own() -> None:
    episodes = {1: live(says("rising")), 2: [Episode(2, "rising", DAY, DAY, "rising!")]}
    inherit(episodes, heirs={1: 2}, parents={}, day=DAY)
    assert [(one.theme_id, one.stands) for one in episodes[2]] == [(2, True), (1, False)]


def test_a_flag_of_a_split_theme_was_told_already() -> None:
    parent, child = Episode(1, "rising", DAY, DAY, "rising!", id=7), Episode(2, "rising", DAY, DAY, "rising!")
    other = Episode(2, "spike", DAY, DAY, "spike!")
    inherit({1: [parent], 2: [child, other]}, heirs={}, parents={2: [1]}, day=DAY)
    assert (child.continues_id, other.continues_id) == (7, None)


KINDS = sorted(UP | DOWN)


DAYS = st.none() | st.sampled_from([CALM, *(says(kind) for kind in KINDS)])


@given(st.lists(DAYS, max_size=60))
def test_whatever_comes_no_kind_stands_twice_and_the_two_directions_never_together(
    verdicts: list[Verdict | None],
) -> None:
    episodes = live(*verdicts)
    standing = [one.kind for one in episodes if one.stands]
    assert len(standing) == len(set(standing))
    assert not (set(standing) & UP and set(standing) & DOWN)
    for one in episodes:
        assert one.started_on <= one.last_on <= (one.ended_on or one.last_on)
    for kind in KINDS:  # an episode has ended before the next one of its kind is raised
        for before, after in pairwise(one for one in episodes if one.kind == kind):
            assert before.ended_on is not None
            assert before.ended_on <= after.started_on
