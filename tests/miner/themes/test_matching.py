from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from miner.themes.matching import Change, describe_changes, match_clusters

themes = st.one_of(st.none(), st.integers(1, 6))


def test_a_cluster_keeps_the_id_of_the_theme_whose_issues_it_holds() -> None:
    assert match_clusters(np.array([0, 0, 0, 1, 1, -1]), [7, 7, 7, 4, 4, 4]) == [7, 4]


def test_an_id_goes_where_most_issues_are_shared_in_all() -> None:
    labels = np.array([0] * 6 + [1] * 4 + [2] * 3)
    assert match_clusters(labels, [1] * 10 + [None] * 3) == [1, None, None]


def test_less_than_thirty_percent_of_the_smaller_side_keeps_no_id() -> None:
    labels = np.array([0] * 10)
    assert match_clusters(labels, [1, 1, *[None] * 8]) == [1]  # the whole theme
    labels = np.array([0] * 10 + [-1] * 8)
    assert match_clusters(labels, [1, 1, *[None] * 8, *[1] * 8]) == [None]  # 2 of 10
    assert match_clusters(labels, [1, 1, 1, *[None] * 7, *[1] * 8]) == [1]  # 3 of 10


def test_nothing_known_and_nothing_found_match_nothing() -> None:
    assert match_clusters(np.array([0, 0]), [None, None]) == [None]
    assert match_clusters(np.array([-1, -1]), [3, 3]) == []


@given(st.lists(st.tuples(st.integers(-1, 5), themes), max_size=40))
def test_no_id_is_given_twice_or_made_up(pairs: list[tuple[int, int | None]]) -> None:
    labels = np.array([label for label, _ in pairs], np.int64)
    known = [theme for _, theme in pairs]
    kept = [theme for theme in match_clusters(labels, known) if theme is not None]
    assert len(set(kept)) == len(kept)
    assert set(kept) <= set(known)


@given(st.lists(themes, max_size=30))
def test_what_did_not_change_is_no_event(known: list[int | None]) -> None:
    before = dict(enumerate(known))
    changes = describe_changes(before, before, live={one for one in known if one}, retired=set())
    assert changes.changes == []
    assert changes.moved == 0


def changes_of(before: list[int | None], after: list[int | None], retired: tuple[int, ...] = ()) -> list[Change]:
    live = {theme for theme in before if theme is not None} - set(retired)
    return describe_changes(dict(enumerate(before)), dict(enumerate(after)), live=live, retired=set(retired)).changes


def test_a_split_names_what_went_to_the_new_theme() -> None:
    assert changes_of([1] * 10, [1] * 6 + [2] * 4) == [Change("born", 2, None, 4), Change("split", 1, 2, 4)]


def test_two_issues_or_a_small_share_are_no_split() -> None:
    assert changes_of([1] * 8 + [None], [1] * 6 + [2] * 3) == [Change("born", 2, None, 3)]
    assert changes_of([1] * 20 + [2] * 3, [1] * 16 + [2] * 7) == []


def test_a_lost_theme_leads_to_the_one_that_took_its_issues() -> None:
    assert changes_of([1] * 5 + [2] * 4, [1] * 9) == [Change("merged", 2, 1, 4)]
    assert changes_of([1] * 5 + [2] * 3, [1] * 7 + [None]) == [Change("merged", 2, 1, 2)]


def test_a_theme_that_fell_apart_has_no_heir() -> None:
    assert changes_of([1] * 5 + [2] * 4, [1] * 6 + [None] * 3) == [Change("retired", 2, None, 4)]


def test_a_theme_whose_issues_are_gone_is_retired_without_an_heir() -> None:
    assert describe_changes({}, {}, live={3}, retired=set()).changes == [Change("retired", 3, None, 0)]


def test_a_theme_divided_among_others_is_merged_into_the_largest_and_split_to_the_rest() -> None:
    before: list[int | None] = [1] * 5 + [2] * 5 + [3] * 9
    after: list[int | None] = [1] * 5 + [2] * 5 + [1] * 5 + [2] * 4
    assert changes_of(before, after) == [Change("split", 3, 2, 4), Change("merged", 3, 1, 5)]


def test_a_retired_theme_whose_issues_return_is_revived() -> None:
    assert changes_of([9, 9, 9], [9, 9, 9], retired=(9,)) == [Change("revived", 9, None, 3)]


def test_churn_is_the_share_of_the_known_that_moved() -> None:
    before: dict[int, int | None] = {1: 1, 2: 1, 3: 1, 4: 2, 5: None}
    after: dict[int, int | None] = {1: 1, 2: 1, 3: 2, 4: None, 5: 1, 6: 1}
    changes = describe_changes(before, after, live={1, 2}, retired=set())
    assert (changes.moved, changes.known, changes.churn) == (2, 4, 0.5)
    assert describe_changes({1: None}, {1: 1}, live=set(), retired=set()).churn is None
