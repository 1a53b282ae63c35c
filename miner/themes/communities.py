"""Clusters of many issues, pure: Leiden (Traag et al. 2019) on graphs of nearest neighbours, and the agreement of many.

One Leiden partition is partly luck of the seed, of the number of neighbours and of the weight given to words. So the
issues are partitioned several times, and what counts in the end is how often two neighbours came together (consensus
clustering, Lancichinetti and Fortunato 2012). Beyond `LARGEST_CONSENSUS` issues one partition has to do.
"""

from __future__ import annotations

import graspologic_native
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from miner.themes.neighbours import Neighbours, find_neighbours
from miner.themes.similarity import Vectors

Labels = NDArray[np.int64]

LARGEST_CONSENSUS = 5_000
RESOLUTION = 8.0  # of the partition that counts
_VIEW_RESOLUTIONS = (10.0, 16.0, 24.0)  # of those that vote: finer, so that what stays together is surely alike
_VIEW_SHARES, _VIEW_NEIGHBOURS, _VIEW_SEEDS = (0.0, 0.15, 0.3), (10, 15), (1, 2)
SHARE, NEIGHBOURS = 0.15, 15  # of the single partition
LOYALTY = 12.0  # what two neighbours that were in one theme weigh more: a re-cluster starts warm
_SEED = 20_260_101
_LEAST = 1e-3


def find_communities(
    vectors: Vectors, words: sparse.csr_matrix, *, granularity: float, before: Labels | None = None
) -> Labels:
    """A community for each issue. `before` is the theme each had (-1: none)."""
    resolution = RESOLUTION * granularity
    if len(vectors) > LARGEST_CONSENSUS:
        (found,) = find_neighbours(vectors, words, near=NEIGHBOURS, shares=(SHARE,))
        return run_leiden(_loyal(link_neighbours(found, NEIGHBOURS), before), resolution, seed=_SEED, iterations=4)
    near = min(max(_VIEW_NEIGHBOURS), len(vectors) - 1)
    views = [
        link_neighbours(found, neighbours)
        for found in find_neighbours(vectors, words, near=near, shares=_VIEW_SHARES)
        for neighbours in _VIEW_NEIGHBOURS
    ]
    partitions = [
        run_leiden(view, fineness * granularity, seed=seed, iterations=4)
        for view in views
        for fineness in _VIEW_RESOLUTIONS
        for seed in _VIEW_SEEDS
    ]
    return run_leiden(_loyal(_count_agreement(views, partitions), before), resolution, seed=_SEED, iterations=10)


def link_neighbours(found: Neighbours, neighbours: int) -> sparse.csr_matrix:
    """The symmetric graph of each issue's nearest `neighbours`, weighted by similarity."""
    columns, weights = (one[:, :neighbours] for one in found)
    size, near = columns.shape
    edges = (
        np.maximum(weights, _LEAST).ravel().astype(np.float64),
        (np.repeat(np.arange(size), near), columns.ravel()),
    )
    graph = sparse.csr_matrix(edges, shape=(size, size))
    graph.setdiag(0)
    return sparse.csr_matrix(graph.maximum(graph.T))


def _count_agreement(views: list[sparse.csr_matrix], partitions: list[Labels]) -> sparse.csr_matrix:
    """The graph of all views' links, weighted by the share of the partitions in which both ends are together."""
    links = sparse.coo_matrix(sum(views[1:], views[0]))
    together = np.zeros(links.nnz)
    for labels in partitions:
        together += labels[links.row] == labels[links.col]
    return sparse.csr_matrix((together / len(partitions), (links.row, links.col)), shape=links.shape)


def _loyal(graph: sparse.csr_matrix, before: Labels | None) -> sparse.csr_matrix:
    if before is None:
        return graph
    links = sparse.coo_matrix(graph)
    same = (before[links.row] == before[links.col]) & (before[links.row] >= 0)
    weights = np.where(same, links.data * (1 + LOYALTY), links.data)
    return sparse.csr_matrix((weights, (links.row, links.col)), shape=links.shape)


def run_leiden(graph: sparse.csr_matrix, resolution: float, *, seed: int, iterations: int) -> Labels:
    """Leiden's partition by modularity."""
    graph.eliminate_zeros()
    graph.sort_indices()
    size = graph.shape[0]
    _, found = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data.astype(np.float64),
        size,
        resolution=resolution,
        iterations=iterations,
        seed=seed,
    )
    return np.fromiter((found[node] for node in range(size)), np.int64, size)
