"""Grouping is pure: these texts are embedded by the real model, larger sets are synthetic vectors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.themes import borders, grouping, trees
from miner.themes.embed import embed_texts
from miner.themes.grouping import group, group_issues
from miner.themes.similarity import weigh_words

EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error", "Exporting a CSV file fails"]
LOGIN = ["Cannot log in", "Login does not work", "Unable to log in since the update", "The login fails"]
DARK = ["Please add a dark theme", "A dark theme is missing", "I want a dark theme"]
TEXTS = EXPORT + LOGIN + DARK + ["Invoice shows the wrong currency"]
VECTORS = embed_texts(TEXTS)
ONE = ["bug"] * len(TEXTS)


def blobs(groups: int, size: int, noise: float = 0.5) -> tuple[NDArray[np.float32], list[str], NDArray[np.int64]]:
    """Shuffled unit vectors around `groups` random centres, each with a word of its group, and their true groups."""
    random = np.random.default_rng(5)
    truth = random.permutation(np.repeat(np.arange(groups), size))
    vectors = random.normal(size=(groups, 64))[truth] + noise * random.normal(size=(len(truth), 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), [f"word{group} text" for group in truth], truth


def test_issues_about_one_thing_come_together_and_a_lonely_one_is_no_theme() -> None:
    labels = group_issues(VECTORS, TEXTS, ONE)
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 3 + [-1]


def test_the_same_input_gives_the_same_clusters() -> None:
    vectors, texts, _ = blobs(40, 20)
    partitions = ["bug", "friction"] * 400
    first = group_issues(vectors, texts, partitions)
    assert np.array_equal(first, group_issues(vectors, texts, partitions))


def test_issues_of_different_partitions_meet_only_when_they_are_as_alike_across_as_within() -> None:
    vectors, texts, truth = blobs(8, 10)
    sides = ["bug" if group < 4 else "friction" for group in truth]
    labels = group_issues(vectors, texts, sides, smallest=1)
    assert all(len({sides[index] for index in np.flatnonzero(labels == label)}) == 1 for label in set(labels.tolist()))


@pytest.mark.parametrize("size", [10, 40])
def test_a_wrong_type_on_some_issues_does_not_tear_themes_apart(size: int) -> None:
    vectors, texts, truth = blobs(20, size)
    flipped = np.random.default_rng(1).random(len(truth)) < 0.15
    sides = ["bug" if (group < 10) != wrong else "friction" for group, wrong in zip(truth, flipped, strict=True)]
    labels = group_issues(vectors, texts, sides, smallest=1)
    assert all(len(set(labels[truth == one].tolist())) == 1 for one in range(20))


def test_clusters_nearly_as_alike_across_a_border_are_offered_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(borders, "JOINED", 9.0)
    vectors, texts, truth = blobs(2, 60)
    sides = ["bug" if index % 2 else "friction" for index in range(len(truth))]
    found = group(vectors, texts, sides)
    assert found.alike
    for one, other, likeness in found.alike:
        assert set(truth[found.labels == one]) == set(truth[found.labels == other])
        assert likeness > 0.8


def test_a_regrouping_starts_from_the_themes_there_are() -> None:
    vectors, _, _ = blobs(30, 30, noise=2.5)
    texts = [f"word{number}" for number in range(900)]
    rows = np.arange(len(texts)) % 5 > 0  # a fifth was not there before
    old = group_issues(vectors[rows], [texts[row] for row in np.flatnonzero(rows)], ["bug"] * int(rows.sum()))
    before: list[int | None] = [None] * len(texts)
    for row, label in zip(np.flatnonzero(rows), old, strict=True):
        before[row] = int(label)
    known = np.array([-1 if one is None else one for one in before])

    def moved(labels: NDArray[np.int64]) -> int:
        table = np.zeros((labels.max() + 1, known.max() + 1), int)
        np.add.at(table, (labels[known >= 0], known[known >= 0]), 1)
        return int((known >= 0).sum() - table.max(axis=0).sum())

    warm = group(vectors, texts, ["bug"] * len(texts), before=before).labels
    cold = group(vectors, texts, ["bug"] * len(texts)).labels
    assert moved(warm) < moved(cold)


def test_clusters_are_numbered_by_first_appearance_and_small_ones_are_none() -> None:
    assert group_issues(VECTORS, TEXTS, ONE, smallest=4).tolist() == [0] * 4 + [1] * 4 + [-1] * 4
    assert group_issues(VECTORS, TEXTS, ONE, smallest=1).tolist() == [0] * 4 + [1] * 4 + [2] * 3 + [3]


def test_a_finer_granularity_gives_more_clusters() -> None:
    vectors, _, _ = blobs(30, 30, noise=1.5)
    texts = [f"word{number}" for number in range(900)]
    for rows in (slice(0, 300), slice(0, 900)):  # the tree, then Leiden
        part = vectors[rows], texts[rows], ["bug"] * len(texts[rows])
        coarse, usual, fine = (int(group_issues(*part, granularity, 1).max()) for granularity in (0.25, 1, 4))
        assert coarse < usual < fine


def test_large_partitions_find_their_groups_too() -> None:
    vectors, texts, truth = blobs(30, 40)
    labels = group_issues(vectors, texts, ["bug"] * len(texts))
    assert len(texts) > grouping.LARGEST_TREE
    assert all(len(set(labels[truth == group].tolist())) == 1 for group in range(30))
    assert len(set(labels.tolist())) == 30


def test_a_partition_about_one_thing_alone_is_not_cut_up() -> None:
    assert group_issues(VECTORS[:4], EXPORT, ["bug"] * 4).tolist() == [0] * 4


def test_identical_issues_are_one_cluster() -> None:
    vectors = np.repeat(VECTORS[:1], 6, axis=0)
    assert group_issues(vectors, EXPORT[:1] * 6, ["bug"] * 6).tolist() == [0] * 6


@pytest.mark.parametrize("count", [0, 1, 2])
def test_very_few_issues_are_no_theme(count: int) -> None:
    assert group_issues(VECTORS[:count], TEXTS[:count], ONE[:count]).tolist() == [-1] * count


def test_common_words_bring_issues_together_that_the_model_cannot_tell_apart() -> None:
    vectors = np.zeros((6, 8), np.float32)
    vectors[:, 0] = 0.4**0.5
    vectors[np.arange(6), np.arange(6) + 1] = 0.6**0.5  # every two are alike by 0.4: too little to meet
    texts = ["quux zork", "frob nitz", "plugh xyzzy", "glorp blat", "spam hoge", "fuga piyo"]
    apart = group_issues(vectors, texts, ["bug"] * 6, smallest=1)
    joined = group_issues(vectors, ["quux zork"] * 3 + texts[3:], ["bug"] * 6, smallest=1)
    assert len(set(apart[:3].tolist())) == 3
    assert len(set(joined[:3].tolist())) == 1


def test_where_even_the_nearest_are_far_the_tree_is_cut_higher() -> None:
    cuts = []
    for noise in (0.5, 1.0, 1.5):
        vectors, texts, _ = blobs(30, 8, noise)
        words = weigh_words(texts)
        cuts.append(trees.find_cut(vectors, words, borders.find_voters(vectors, words)))
    assert cuts[0] < cuts[1] < cuts[2] <= trees.HIGHEST * 1.01
