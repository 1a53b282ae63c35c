"""The nearest neighbours of every issue, pure: exact up to some thousands, through cells above, always the same.

Above `LARGEST_EXACT` the vectors are put into cells by a few rounds of k-means on a sample, and the issues of a cell
are compared with those of the nearest cells alone (an inverted file, as in Jegou et al. 2011). That makes the time
grow with about n to 1.5 instead of n squared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from miner.themes.similarity import Vectors, join_similarities

LARGEST_EXACT = 8_000
_BLOCK = 64  # rows of similarities held at once
_PROBES = 12  # cells an issue is compared with: about 96 of 100 neighbours are found
_SAMPLE, _ROUNDS = 20_000, 4
_SEED = 20_260_101

Neighbours = tuple[NDArray[np.int32], Vectors]


def find_neighbours(
    vectors: Vectors, words: sparse.csr_matrix, *, near: int, shares: Sequence[float]
) -> list[Neighbours]:
    """For each share of the words: the columns of the `near` nearest of every row, best first, and how alike they are.

    Both have the shape (n, near); `near` is at most n - 1. Among equals the earlier row comes first.
    """
    size = len(vectors)
    found = [(np.zeros((size, near), np.int32), np.full((size, near), -1, np.float32)) for _ in shares]
    for rows, candidates in _list_blocks(vectors):
        dense = vectors[rows] @ vectors[candidates].T
        lexical = (words[rows] @ words[candidates].T).toarray()
        own = np.searchsorted(candidates, rows)
        for (columns, weights), share in zip(found, shares, strict=True):
            joined = join_similarities(dense, lexical, share)
            joined[np.arange(len(rows)), own] = -2  # nobody is its own neighbour
            some = min(near, len(candidates) - 1)
            nearest = np.argpartition(-joined, some - 1, axis=1)[:, :some]
            nearest.sort(axis=1)
            alike = np.take_along_axis(joined, nearest, axis=1)
            order = np.argsort(-alike, axis=1, kind="stable")
            columns[rows, :some] = candidates[np.take_along_axis(nearest, order, axis=1)]
            weights[rows, :some] = np.take_along_axis(alike, order, axis=1)
    return found


def _list_blocks(vectors: Vectors) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to be compared at once, and what with, both ascending."""
    everything = np.arange(len(vectors))
    if len(vectors) <= LARGEST_EXACT:
        for start in range(0, len(vectors), _BLOCK):
            yield everything[start : start + _BLOCK], everything
        return
    centres = _find_cells(vectors)
    cell = _nearest_centre(vectors, centres)
    members = np.split(np.argsort(cell, kind="stable"), np.cumsum(np.bincount(cell, minlength=len(centres)))[:-1])
    probes = np.argsort(-(centres @ centres.T), axis=1, kind="stable")[:, :_PROBES]
    for number, rows in enumerate(members):
        if len(rows):
            candidates = np.sort(np.concatenate([members[other] for other in {number, *probes[number].tolist()}]))
            for start in range(0, len(rows), 4 * _BLOCK):
                yield rows[start : start + 4 * _BLOCK], candidates


def _find_cells(vectors: Vectors) -> Vectors:
    """About the square root of n centres by k-means on a sample."""
    count = round(len(vectors) ** 0.5)
    random = np.random.default_rng(_SEED)
    sample = vectors[np.sort(random.permutation(len(vectors))[:_SAMPLE])]
    centres = sample[np.sort(random.permutation(len(sample))[:count])].copy()
    for _ in range(_ROUNDS):
        cell = _nearest_centre(sample, centres)
        sums = sparse.csr_matrix(
            (np.ones(len(sample), np.float32), (cell, np.arange(len(sample)))), (count, len(sample))
        )
        centres = np.where(np.bincount(cell, minlength=count)[:, None] > 0, sums @ sample, centres)
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    return centres


def _nearest_centre(vectors: Vectors, centres: Vectors) -> NDArray[np.int64]:
    blocks = (vectors[start : start + 4_096] @ centres.T for start in range(0, len(vectors), 4_096))
    return np.concatenate([block.argmax(axis=1) for block in blocks])
