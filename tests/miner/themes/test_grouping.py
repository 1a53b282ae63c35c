"""Grouping is pure: these texts are embedded by the real model, larger sets are synthetic vectors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.themes import grouping
from miner.themes.embed import embed_texts
from miner.themes.grouping import group_issues, join_similarities, link_neighbours, weigh_words

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


def test_issues_of_different_partitions_never_meet() -> None:
    partitions = ["bug" if index % 2 else "friction" for index in range(len(TEXTS))]
    labels = group_issues(VECTORS, TEXTS, partitions, smallest=1)
    for label in set(labels.tolist()):
        assert len({partitions[index] for index in np.flatnonzero(labels == label)}) == 1


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
    joined = group_issues(vectors, ["zork quux", "quux zork", "zork quux", *texts[3:]], ["bug"] * 6, smallest=1)
    assert len(set(apart[:3].tolist())) == 3
    assert len(set(joined[:3].tolist())) == 1


def test_the_neighbour_graph_is_what_all_similarities_at_once_give() -> None:
    vectors, texts, _ = blobs(10, 30)
    words = weigh_words(texts)
    everything = join_similarities(vectors, words, slice(None))
    np.fill_diagonal(everything, -2)
    graph = link_neighbours(vectors, words).toarray()
    weakest = np.sort(everything, axis=1)[:, -grouping.NEIGHBOURS]
    assert np.allclose(graph, graph.T)
    for row in range(0, 300, 37):
        near = everything[row] >= np.minimum(weakest[row], weakest) - 1e-6
        assert set(np.flatnonzero(graph[row])) <= set(np.flatnonzero(near))
        assert np.count_nonzero(graph[row]) >= grouping.NEIGHBOURS


def test_a_text_without_words_weighs_nothing() -> None:
    words = weigh_words(["CSV export", "?!"]).toarray()
    assert np.linalg.norm(words, axis=1).tolist() == pytest.approx([1, 0])
