"""People's merges and splits hold whatever the grouping says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from miner.themes.constraints import Apart, Together, obey

IDS = list(range(10, 20))
VECTORS = np.eye(10, dtype=np.float32)
VECTORS[9] = 0.9 * VECTORS[5] + 0.1 * VECTORS[0]


def apply(labels: list[int], *edits: Together | Apart) -> list[int]:
    return obey(np.array(labels), IDS, VECTORS, edits).tolist()


def test_what_was_merged_is_one_cluster_with_what_joined_it_since() -> None:
    merged = Together(frozenset({10, 11, 12}), frozenset({13, 14}))
    assert apply([0, 0, 0, 1, 1, 1, 2, 2, 2, -1], merged) == [0, 0, 0, 0, 0, 0, 2, 2, 2, -1]


def test_what_was_split_is_never_one_cluster_and_newcomers_go_to_the_nearer_side() -> None:
    split = Apart(frozenset({10, 11, 12, 13}), frozenset({15, 16}))
    labels = apply([0] * 10, split)
    assert labels[:4] == [0] * 4
    assert labels[5] == labels[6] == labels[9] != 0


def test_a_split_of_one_issue_stays_a_cluster_however_small() -> None:
    assert apply([0, 0, 0, -1, 0, 0, 0, 0, 0, 0], Apart(frozenset({10, 11}), frozenset({13})))[3] == 1


def test_edits_about_issues_that_are_gone_change_nothing() -> None:
    labels = [0, 0, 0, 1, 1, 1, -1, -1, 2, 2]
    gone = frozenset({1, 2, 3})
    assert apply(labels, Together(gone, frozenset({10})), Apart(frozenset({10}), gone)) == labels


@given(some.lists(some.integers(-1, 3), min_size=10, max_size=10), some.sets(some.sampled_from(IDS), min_size=2))
def test_no_cluster_ever_holds_both_sides_of_a_split(labels: list[int], chosen: set[int]) -> None:
    sides = sorted(chosen)
    stays, leaves = frozenset(sides[::2]), frozenset(sides[1::2])
    found = apply(labels, Apart(stays, leaves))
    by_side = [{found[IDS.index(one)] for one in side} - {-1} for side in (stays, leaves)]
    assert not by_side[0] & by_side[1]
