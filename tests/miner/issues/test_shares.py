from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from miner.issues.shares import Share, by_chance, draw, wilson


@pytest.mark.parametrize(("hits", "of"), [(150, 160), (0, 10), (10, 10), (1, 2), (0, 1), (299, 1000)])
def test_the_interval_is_wilsons(hits: int, of: int) -> None:
    known = binomtest(hits, of).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(hits, of) == (pytest.approx(known.low, abs=1e-6), pytest.approx(known.high, abs=1e-6))


@given(st.integers(0, 300), st.integers(1, 300))
def test_an_interval_holds_its_share_and_stays_within_bounds(hits: int, of: int) -> None:
    hits = min(hits, of)
    low, high = wilson(hits, of)
    assert 0 <= low <= hits / of <= high <= 1
    assert low < high


def test_a_share_reads_as_a_sentence_and_is_unknown_without_a_look() -> None:
    assert Share(150, 160).sentence("right") == "94 % right, 89 to 97, 160 checked"
    nothing = Share(0, 0)
    assert (nothing.value, nothing.low, nothing.high) == (None, None, None)
    assert nothing.sentence("right") == "right: not checked yet"


@given(st.sets(st.integers(0, 1000)), st.integers(0, 20), st.integers(0, 99))
def test_a_draw_is_without_repetition_and_the_same_for_the_same_seed(ids: set[int], count: int, seed: int) -> None:
    drawn = draw(ids, count, seed=seed)
    assert len(drawn) == len(set(drawn)) == min(count, len(ids))
    assert set(drawn) <= ids
    assert drawn == draw(sorted(ids, reverse=True), count, seed=seed)


def test_another_seed_draws_others_and_every_id_has_its_turn() -> None:
    assert draw(range(1000), 10, seed=1) != draw(range(1000), 10, seed=2)
    assert {one for seed in range(200) for one in draw(range(20), 3, seed=seed)} == set(range(20))


def test_a_difference_between_two_readers_is_weighed_against_chance() -> None:
    assert by_chance(0, 0) == 1.0
    assert by_chance(5, 5) == 1.0
    assert by_chance(10, 0) == pytest.approx(2 / 2**10)
    assert by_chance(12, 3) == by_chance(3, 12) == pytest.approx(0.03515625)
