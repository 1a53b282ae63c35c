"""A few issues are grouped by the vote of several trees."""

from __future__ import annotations

import numpy as np

from miner.themes import trees
from miner.themes.similarity import weigh_pieces, weigh_words


def alone(count: int) -> np.ndarray:
    """Unit vectors that have nothing in common."""
    return np.eye(count, dtype=np.float32)


def test_pieces_see_through_endings_and_typing_errors_where_words_do_not() -> None:
    texts = ["synchronise", "synchronising", "syncronise", "password"]
    words, pieces = weigh_words(texts), weigh_pieces(texts)
    assert (words @ words.T).toarray()[0, 1] == 0
    alike = (pieces @ pieces.T).toarray()
    assert min(alike[0, 1], alike[0, 2]) > 0.25 > 10 * alike[0, 3]
    assert np.allclose(np.diag(alike), 1)


def test_the_trees_see_pieces_where_meaning_and_words_are_alike() -> None:
    """Three issues as near to each other as any: two that are spelled alike come together, others do not."""
    near = np.array([[1, 0, 0], [0.5, 0.75**0.5, 0], [0.5, 0.2887, 0.8165]], np.float32)
    spelled, unlike = ["synchronise", "synchronising", "password"], ["abcdef", "ghijkl", "mnopqr"]
    found, none = (trees.vote(near, weigh_words(one), one, 0.63, 1.0).tolist() for one in (spelled, unlike))
    assert found[0] == found[1] != found[2]
    assert len(set(none)) == 3


def test_one_issue_and_identical_ones_are_one_cluster() -> None:
    assert trees.vote(alone(1), weigh_words(["a"]), ["a"], 0.8, 1.0).tolist() == [0]
    same = np.ones((3, 1), np.float32)
    assert trees.vote(same, weigh_words(["a"] * 3), ["a"] * 3, 0.8, 1.0).tolist() == [0, 0, 0]


def test_texts_without_a_word_are_grouped_by_meaning() -> None:
    texts = ["", "!", "?"]
    near = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    labels = trees.vote(near, weigh_words(texts), texts, 0.6, 1.0).tolist()
    assert labels[0] == labels[1] != labels[2]
