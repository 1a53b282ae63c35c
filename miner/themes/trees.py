"""Clusters of few issues, pure: average-linkage trees, and the vote of several.

One tree is partly luck of how much words weigh and of where exactly it is cut. So issues are judged in five ways - by
meaning alone, with words, with pieces of words, which see through endings and typing errors - each tree is cut a little
lower, at and a little higher than it should be, and those that are together in half of the votes stay together
(evidence accumulation, Fred and Jain 2005).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from miner.themes.borders import SHARE
from miner.themes.neighbours import Neighbours
from miner.themes.similarity import FEW, Vectors, find_usual_distance, join_similarities, weigh_pieces

Labels = NDArray[np.int64]
Distances = NDArray[np.float64]

NEAREST, USUAL = 0.6, 0.48  # of the mean distance to the nearest issue, and of that between any two: the cut
HIGHEST = 0.84  # of the latter: a few issues about different things are no theme
USUAL_DISTANCE = 0.8  # a few issues about one thing are closer than this; they must not be cut finer for that
USUAL_NEAREST = 0.45  # weighs as much as FEW issues: what is nearest to the first ten of a new theme says little
_COARSER = 0.28  # of the cut, what granularity moves
_WORD_SHARES, _PIECE_SHARES = (0.0, 0.15, 0.3), (0.15, 0.3)
_CUTS = (0.9, 1.0, 1.1)  # of the cut, in each tree
_DISSENT = 0.5  # the share of the votes that may part two clusters


def find_cut(vectors: Vectors, words: sparse.csr_matrix, voters: Neighbours | None) -> float:
    """The distance at which groups of a small side are no longer joined.

    Texts that are long, or in a language the model knows badly, are all far from each other; so the cut follows the
    mean distance of an issue to its nearest, beside that of any two, both over all issues.
    """
    if voters is None or len(vectors) < 2:
        return USUAL_DISTANCE
    size = len(vectors)
    nearest = (size * (1 - float(voters[1][:, 0].mean(dtype=np.float64))) + FEW * USUAL_NEAREST) / (size + FEW)
    usual = max(find_usual_distance(vectors, words, SHARE), USUAL_DISTANCE)
    return min(NEAREST * nearest + USUAL * usual, HIGHEST * usual)


def vote(vectors: Vectors, words: sparse.csr_matrix, texts: Sequence[str], cut: float, granularity: float) -> Labels:
    """Clusters of one side. `cut` is for meaning with words; for another view it moves with the usual distance."""
    size = len(texts)
    if size == 1:
        return np.zeros(1, np.int64)
    dense, lexical = vectors @ vectors.T, (words @ words.T).toarray()
    pieces = weigh_pieces(texts)
    spelled = (pieces @ pieces.T).toarray()
    views = [join_similarities(dense, lexical, share) for share in _WORD_SHARES]
    views += [join_similarities(dense, spelled, share) for share in _PIECE_SHARES]
    usual = max(float(_distances(join_similarities(dense, lexical, SHARE)).mean()), 1e-9)
    together = np.zeros(size * (size - 1) // 2)
    for view in views:
        distances = _distances(view)
        tree, height = linkage(distances, "average"), cut * float(distances.mean()) / usual * _coarser(granularity)
        for part in _CUTS:
            labels = fcluster(tree, max(part * height, 0.0), "distance")
            together += squareform(labels[:, None] == labels[None, :], checks=False)
    apart = 1 - together / (len(views) * len(_CUTS))
    found: Labels = fcluster(linkage(apart, "average"), _DISSENT, "distance").astype(np.int64) - 1
    return found


def cut_tree(similarities: Vectors, cut: float, granularity: float) -> Labels:
    """Clusters of one average-linkage tree, cut at the distance `cut`; higher when `granularity` is below 1."""
    if len(similarities) == 1:
        return np.zeros(1, np.int64)
    height = cut * _coarser(granularity)
    tree = linkage(_distances(similarities), "average")
    labels: Labels = fcluster(tree, height, "distance").astype(np.int64) - 1
    return labels


def _coarser(granularity: float) -> float:
    return 1 + _COARSER * (1 - math.sqrt(granularity))


def _distances(similarities: Vectors) -> Distances:
    """Condensed, as linkage takes them."""
    distances = np.maximum(1 - (similarities + similarities.T) / 2, 0).astype(np.float64)
    np.fill_diagonal(distances, 0)
    condensed: Distances = squareform(distances, checks=False)
    return condensed
