"""Clusters on both sides of a border, pure: which are one theme, and which are probably the same.

Type and area decide which issues are compared first, and they are often wrong. So an issue whose nearest neighbours
nearly all lie on another side is put there, and two clusters of different sides are joined when their issues are, on
average, about as alike across the border as within; nearly as alike are offered.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from miner.themes.neighbours import Neighbours, find_neighbours
from miner.themes.similarity import Vectors, join_similarities

Labels = NDArray[np.int64]

JOINED, OFFERED = 0.8, 0.6  # of what is usual within the clusters
OUTVOTED = 0.7  # of the likeness of the nearest must lie on another side
_VOTERS = 8
SHARE = 0.3  # the weight of words
_WITHIN = 0.5  # how alike the issues of a theme are, for want of better: where both sides are one issue


def find_voters(vectors: Vectors, words: sparse.csr_matrix) -> Neighbours | None:
    """The nearest eight of each issue, or all others when there are fewer; None for one issue."""
    if len(vectors) < 2:
        return None
    (found,) = find_neighbours(vectors, words, near=min(_VOTERS, len(vectors) - 1), shares=(SHARE,))
    return found


def settle_sides(partitions: Sequence[Hashable], found: Neighbours | None) -> Labels:
    """The side of each issue, numbered by first appearance: its partition, or the one its neighbours outvote it to."""
    numbers = {partition: number for number, partition in enumerate(dict.fromkeys(partitions))}
    sides = np.array([numbers[partition] for partition in partitions], np.int64)
    if len(numbers) < 2 or found is None or found[0].shape[1] < _VOTERS:
        return sides
    near, alike = found
    votes = np.zeros((len(sides), len(numbers)), np.float32)
    for column in range(_VOTERS):
        votes[np.arange(len(sides)), sides[near[:, column]]] += np.maximum(alike[:, column], 0)
    votes /= np.maximum(votes.sum(axis=1, keepdims=True), 1e-9)
    return np.where(votes.max(axis=1) >= OUTVOTED, votes.argmax(axis=1), sides)


@dataclass
class Sums:
    """Sums over the issues of a cluster, from which every mean similarity follows."""

    size: int
    dense: Vectors
    words: sparse.csr_matrix

    @property
    def within(self) -> float | None:
        """The mean similarity of two different issues; None for one issue."""
        if self.size < 2:
            return None
        own = self.size  # every row is a unit vector
        return (self.alike(self, total=True) - own) / (self.size * (self.size - 1))

    def alike(self, other: Sums, *, total: bool = False) -> float:
        """The mean similarity of an issue here and one there; `total`: the sum."""
        lexical = float((self.words @ other.words.T).toarray()[0, 0])
        found = join_similarities(self.dense @ other.dense, np.float32(lexical), SHARE)  # type: ignore[arg-type]
        return float(found) if total else float(found) / (self.size * other.size)

    def joined(self, other: Sums) -> Sums:
        return Sums(self.size + other.size, self.dense + other.dense, self.words + other.words)


def join_across(
    labels: Labels, partitions: Sequence[Hashable], vectors: Vectors, words: sparse.csr_matrix
) -> tuple[Labels, list[tuple[int, int, float]]]:
    """The labels with clusters joined across borders, and (label, label, likeness) of those probably the same.

    `labels` count from 0, each lies in one partition; `vectors` and `words` are unit rows. Likeness 1 means: as alike
    as within. The most alike are joined first, and each is compared with all that was joined before.
    """
    place = {partition: number for number, partition in enumerate(dict.fromkeys(partitions))}
    if len(place) < 2:
        return labels, []
    count = int(labels.max()) + 1
    side = np.zeros(count, np.int64)
    side[labels] = [place[partition] for partition in partitions]
    ones = np.ones(len(labels), np.float32)
    members = sparse.csr_matrix((ones, (labels, np.arange(len(labels)))), shape=(count, len(labels)))
    dense, lexical = members @ vectors, sparse.csr_matrix(members @ words)
    sizes = np.bincount(labels, minlength=count)
    groups = [Sums(int(sizes[one]), dense[one], lexical[[one]]) for one in range(count)]
    heir = np.arange(count)

    def find(one: int) -> int:
        while heir[one] != one:
            one = int(heir[one])
        return one

    offers: dict[tuple[int, int], float] = {}
    for one, other in _list_candidates(dense, lexical, sizes, side):
        first, second = sorted((find(one), find(other)))
        if first == second:
            continue
        likeness = _compare(groups[first], groups[second])
        if likeness >= JOINED:
            groups[first], heir[second] = groups[first].joined(groups[second]), first
        elif likeness >= OFFERED and min(groups[first].size, groups[second].size) > 1:
            offers[one, other] = likeness
    final = np.array([find(one) for one in range(count)])
    offered = {tuple(sorted((int(final[a]), int(final[b])))): value for (a, b), value in offers.items()}
    return final[labels], [(a, b, value) for (a, b), value in sorted(offered.items()) if a != b]


def _compare(first: Sums, second: Sums) -> float:
    """How alike two clusters are, as a share of what is usual within them, the larger counting more."""
    known = [(one.within, one.size) for one in (first, second)]
    weight = sum(size for within, size in known if within is not None)
    usual = sum(within * size for within, size in known if within is not None) / weight if weight else _WITHIN
    return first.alike(second) / max(usual, 1e-6)


def _list_candidates(
    dense: Vectors, lexical: sparse.csr_matrix, sizes: NDArray[np.int64], side: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Pairs on different sides that may be alike enough, the most alike first."""
    means = dense / sizes.astype(np.float32)[:, None]
    words = sparse.csr_matrix(sparse.diags_array(1 / sizes.astype(np.float32)) @ lexical)
    alike = join_similarities(means @ means.T, (words @ words.T).toarray(), SHARE)
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(sizes > 1, (np.diag(alike) * sizes - 1) / (sizes - 1), np.nan)
    within = np.where(np.isnan(within), _WITHIN, within)
    ratio = alike / np.maximum(np.minimum(within[:, None], within[None, :]), 1e-6)
    first, second = np.nonzero(np.triu((ratio >= OFFERED) & (side[:, None] != side[None, :]), 1))
    order = np.argsort(-ratio[first, second], kind="stable")
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))
