"""Issues to clusters, pure: the same input in the same order gives the same clusters.

Small partitions are cut from an average-linkage tree (many tiny themes: the tree is better), large ones are divided by
Leiden on graphs of nearest neighbours (larger themes: Leiden is better, and the tree grows by n squared). Then
clusters that are one theme are joined across the borders. The constants here, in `communities`, `borders` and `embed`
were chosen on dstc11; scores of the other sets were in view while some near-ties and the form of the tree's cut were
settled, so those are not blind (docs/decisions/0014-grouping.md). `tests/benchmarks/bench_grouping.py` prints them all.

As a command, without a database: `python -m miner.themes.grouping --in texts.csv --out labels.csv`
`[--partition COLUMN] [--granularity G] [--smallest N]`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from miner.themes.borders import SHARE, find_voters, join_across, settle_sides
from miner.themes.communities import find_communities
from miner.themes.neighbours import Neighbours
from miner.themes.similarity import FEW, Vectors, centre_vectors, find_usual_distance, join_similarities, weigh_words

StoredVectors = NDArray[np.float16] | Vectors
Labels = NDArray[np.int64]

LARGEST_TREE = 500
TREE_NEAREST, TREE_USUAL = 0.6, 0.48  # of the mean distance to the nearest issue, and of that between any two: the cut
TREE_HIGHEST = 0.84  # of the latter: a few issues about different things are no theme
USUAL_DISTANCE = 0.8  # a few issues about one thing are closer than this; they must not be cut finer for that
USUAL_NEAREST = 0.45  # weighs as much as FEW issues: what is nearest to the first ten of a new theme says little
_COARSER = 0.28  # of the cut, what granularity moves


@dataclass(frozen=True)
class Grouping:
    """`labels`: a cluster number for each issue, -1: not yet a theme; `alike`: (cluster, cluster, likeness) of clusters
    on both sides of a border that are probably the same, likeness 1 being as alike as within."""

    labels: Labels
    alike: list[tuple[int, int, float]]


def group_issues(
    vectors: StoredVectors,
    texts: Sequence[str],
    partitions: Sequence[Hashable],
    granularity: float = 1.0,
    smallest: int = 3,
) -> Labels:
    """A cluster number for each issue, counted from 0 by first appearance; -1: not yet a theme."""
    return group(vectors, texts, partitions, granularity=granularity, smallest=smallest).labels


def group(
    vectors: StoredVectors,
    texts: Sequence[str],
    partitions: Sequence[Hashable],
    *,
    granularity: float = 1.0,
    smallest: int = 3,
    before: Sequence[int | None] | None = None,
) -> Grouping:
    """Group issues that belong in the order of their ids.

    `vectors` are unit vectors, shape (n, d), `texts` what they were made from. `partitions` say which issues are
    compared first; clusters of different ones are joined only when as alike as within. `granularity` above 1 gives more
    and smaller clusters; clusters under `smallest` issues become -1. `before` is the theme each issue was in: large
    partitions start from there.
    """
    if not len(texts):
        return Grouping(np.zeros(0, np.int64), [])
    words = weigh_words(texts)
    unit = centre_vectors(vectors.astype(np.float32))
    compared = len(texts) <= LARGEST_TREE or len(set(partitions)) > 1
    found = find_voters(unit, words) if compared else None
    sides = settle_sides(partitions, found)
    cut = find_cut(unit, words, found)
    warm = None if before is None else _number(before)
    labels = np.full(len(texts), -1, np.int64)
    count = 0
    for side in np.unique(sides):
        rows = np.flatnonzero(sides == side)
        whole = len(rows) == len(texts)
        some, own = (unit, words) if whole else (unit[rows], words[rows])  # at 20,000 issues every copy counts
        if len(rows) > LARGEST_TREE:
            part = find_communities(some, own, granularity=granularity, before=None if warm is None else warm[rows])
        else:
            similarities = join_similarities(some @ some.T, (own @ own.T).toarray(), SHARE)
            part = cut_tree(similarities, cut, granularity)
        labels[rows] = part + count
        count += int(part.max()) + 1
    labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    labels, alike = join_across(labels, sides.tolist(), unit, words)
    return _renumber(labels, smallest, alike)


def _number(before: Sequence[int | None]) -> Labels:
    return np.array([-1 if theme is None else theme for theme in before], np.int64)


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
    return min(TREE_NEAREST * nearest + TREE_USUAL * usual, TREE_HIGHEST * usual)


def cut_tree(similarities: Vectors, cut: float, granularity: float) -> Labels:
    """Clusters of an average-linkage tree, cut at the distance `cut`; higher when `granularity` is below 1."""
    if len(similarities) == 1:
        return np.zeros(1, np.int64)
    distances = np.maximum(1 - (similarities + similarities.T) / 2, 0).astype(np.float64)
    np.fill_diagonal(distances, 0)
    condensed = squareform(distances, checks=False)
    height = cut * (1 + _COARSER * (1 - granularity**0.5))
    labels: Labels = fcluster(linkage(condensed, "average"), height, "distance").astype(np.int64) - 1
    return labels


def _renumber(labels: Labels, smallest: int, alike: Sequence[tuple[int, int, float]]) -> Grouping:
    names, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    kept = [group for group in np.argsort(first, kind="stable") if sizes[group] >= smallest]
    numbers = np.full(len(first), -1, np.int64)
    numbers[kept] = np.arange(len(kept))
    new = dict(zip(names.tolist(), numbers.tolist(), strict=True))
    pairs = [(new[one], new[other], likeness) for one, other, likeness in alike if min(new[one], new[other]) >= 0]
    return Grouping(numbers[inverse], pairs)


if __name__ == "__main__":
    from miner.themes.group_csv import main

    main()
