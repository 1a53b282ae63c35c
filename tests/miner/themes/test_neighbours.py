"""Neighbours and word weights on synthetic vectors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from miner.themes import neighbours
from miner.themes.communities import link_neighbours
from miner.themes.neighbours import find_neighbours
from miner.themes.similarity import centre_vectors, find_usual_distance, join_similarities, weigh_words
from tests.miner.themes.test_grouping import blobs


def test_neighbours_are_what_all_similarities_at_once_give() -> None:
    vectors, texts, _ = blobs(10, 30)
    words = weigh_words(texts)
    for share, (columns, weights) in zip(
        (0.0, 0.4), find_neighbours(vectors, words, near=7, shares=(0, 0.4)), strict=True
    ):
        alike = (1 - share) * vectors @ vectors.T + share * (words @ words.T).toarray()
        np.fill_diagonal(alike, -2)
        assert np.allclose(weights, -np.sort(-alike, axis=1)[:, :7], atol=1e-5)
        assert np.allclose(np.take_along_axis(alike, columns, axis=1), weights, atol=1e-5)


def test_cells_find_nearly_all_neighbours_and_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, texts, _ = blobs(40, 25, noise=1.0)
    words = weigh_words(texts)
    ((exact, _),) = find_neighbours(vectors, words, near=10, shares=(0.15,))
    monkeypatch.setattr(neighbours, "LARGEST_EXACT", 100)
    ((found, _),) = find_neighbours(vectors, words, near=10, shares=(0.15,))
    ((again, _),) = find_neighbours(vectors, words, near=10, shares=(0.15,))
    assert np.array_equal(found, again)
    shared = [len(set(one) & set(other)) for one, other in zip(exact.tolist(), found.tolist(), strict=True)]
    assert np.mean(shared) > 9


def test_links_go_both_ways_and_nobody_is_its_own_neighbour() -> None:
    vectors, texts, _ = blobs(10, 30)
    (found,) = find_neighbours(vectors, weigh_words(texts), near=15, shares=(0.15,))
    graph = link_neighbours(found, 10).toarray()
    assert np.allclose(graph, graph.T)
    assert np.diag(graph).max() == 0
    assert (np.count_nonzero(graph, axis=1) >= 10).all()


def test_centred_vectors_have_length_one_and_the_less_in_common_the_more_there_are() -> None:
    vectors, _, _ = blobs(6, 1_000)
    common = []
    for size in (10, 100, 6_000):
        centred = centre_vectors(vectors[:size] + 0.2)
        assert np.allclose(np.linalg.norm(centred, axis=1), 1, atol=1e-5)
        common.append(float(np.linalg.norm(centred.mean(axis=0))))
    assert common[0] > common[1] > common[2]
    assert common[2] < 0.1
    assert not centre_vectors(np.zeros((3, 4), np.float32)).any()


def test_the_usual_distance_is_the_mean_over_all_pairs() -> None:
    vectors, texts, _ = blobs(4, 5)
    words = weigh_words(texts)
    pairs = np.triu_indices(20, 1)
    alike = join_similarities(vectors @ vectors.T, (words @ words.T).toarray(), 0.3)[pairs]
    assert find_usual_distance(vectors, words, 0.3) == pytest.approx(1 - alike.mean(), abs=1e-5)


def test_pairs_of_words_count_as_words_do() -> None:
    words = weigh_words(["the card was not received", "the card was received, not", "was the not card received"])
    alike = (words @ words.T).toarray()
    assert alike[0, 1] > alike[0, 2]


def test_a_text_without_words_weighs_nothing() -> None:
    words = weigh_words(["CSV export", "?!"])
    assert isinstance(words, sparse.csr_matrix)
    assert np.linalg.norm(words.toarray(), axis=1).tolist() == pytest.approx([1, 0])
