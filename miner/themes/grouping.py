"""Issues to clusters, pure: the same input in the same order gives the same clusters.

Small partitions are cut from average-linkage trees (many tiny themes: trees are better), large ones are divided by
Leiden on graphs of nearest neighbours (larger themes: Leiden is better, and a tree grows by n squared). Then
clusters that are one theme are joined across the borders. The constants here, in `trees`, `communities`, `borders` and
`embed` were chosen on dstc11; scores of the other sets were in view while some near-ties and the form of the tree's cut
were settled, so those are not blind (docs/decisions/0014-grouping.md). `tests/benchmarks/bench_grouping.py` prints
them all.

As a command, without a database: `python -m miner.themes.grouping --in texts.csv --out labels.csv`
`[--partition COLUMN] [--granularity G] [--smallest N]`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from miner.themes.borders import find_voters, join_across, settle_sides
from miner.themes.communities import find_communities
from miner.themes.similarity import Vectors, centre_vectors, weigh_words
from miner.themes.trees import find_cut, vote

StoredVectors = NDArray[np.float16] | Vectors
Labels = NDArray[np.int64]

LARGEST_TREE = 500


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
            part = vote(some, own, [texts[row] for row in rows.tolist()], cut, granularity)
        labels[rows] = part + count
        count += int(part.max()) + 1
    labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    labels, alike = join_across(labels, sides.tolist(), unit, words)
    return _renumber(labels, smallest, alike)


def _number(before: Sequence[int | None]) -> Labels:
    return np.array([-1 if theme is None else theme for theme in before], np.int64)


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
