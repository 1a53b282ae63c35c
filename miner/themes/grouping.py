"""Issues to clusters, pure: the same input in the same order gives the same clusters.

Two issues are alike by the weighted sum of the cosine of their sentence vectors and the cosine of their TF-IDF words.
Small partitions are cut from an average-linkage tree, large ones by Leiden (Traag et al. 2019) on the graph of
nearest neighbours. Every constant below was chosen on the dstc11 set alone; `tests/benchmarks/bench_grouping.py`
prints what they give there and elsewhere.

As a command, without a database: `python -m miner.themes.grouping --in texts.csv --out labels.csv`
`[--partition COLUMN] [--granularity G] [--smallest N]`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import graspologic_native
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from miner.themes.words import split_words

Vectors = NDArray[np.float32]
StoredVectors = NDArray[np.float16] | Vectors
Labels = NDArray[np.int64]

LARGEST_TREE = 500  # many tiny themes: the tree is better; larger themes: Leiden is (and the tree grows by n squared)
LEXICAL_SHARE = 0.3
NEIGHBOURS = 15
RESOLUTION = 8.0
TREE_CUT = 0.76  # of the average distance between two issues of the partition
USUAL_DISTANCE = 0.8  # a partition about one thing alone is closer than this; it must not be cut finer for that
_SEED = 20_260_101
_BLOCK = 64  # rows of similarities held at once: with what is made of them 64 x 20,000 take 25 MB


def group_issues(
    vectors: StoredVectors,
    texts: Sequence[str],
    partitions: Sequence[Hashable],
    granularity: float = 1.0,
    smallest: int = 3,
) -> Labels:
    """A cluster number for each issue, counted from 0 by first appearance; -1: not yet a theme.

    `vectors` are unit vectors, shape (n, d), `texts` what they were made from. Issues of different `partitions` never
    meet. `granularity` above 1 gives more and smaller clusters; clusters under `smallest` issues become -1.
    """
    labels = np.full(len(texts), -1, np.int64)
    members: dict[Hashable, list[int]] = {}
    for index, partition in enumerate(partitions):
        members.setdefault(partition, []).append(index)
    found = 0
    for rows in members.values():
        chosen = np.array(rows)
        part = _group_partition(vectors[chosen].astype(np.float32), [texts[row] for row in rows], granularity)
        labels[chosen] = part + found
        found += int(part.max()) + 1
    return _renumber(labels, smallest)


def _group_partition(vectors: Vectors, texts: Sequence[str], granularity: float) -> Labels:
    if len(texts) == 1:
        return np.zeros(1, np.int64)
    words = weigh_words(texts)
    if len(texts) <= LARGEST_TREE:
        return cut_tree(join_similarities(vectors, words, slice(None)), granularity)
    return find_communities(link_neighbours(vectors, words), RESOLUTION * granularity)


def weigh_words(texts: Sequence[str]) -> sparse.csr_matrix:
    """TF-IDF of single words, sublinear in the count, one unit row for each text (zero for one without words)."""
    vocabulary: dict[str, int] = {}
    rows, columns, weights = [], [], []
    for row, one in enumerate(texts):
        for word, count in Counter(split_words(one)).items():
            rows.append(row)
            columns.append(vocabulary.setdefault(word, len(vocabulary)))
            weights.append(1 + math.log(count))
    shape = (len(texts), max(1, len(vocabulary)))
    matrix = sparse.csr_matrix((weights, (rows, columns)), shape=shape, dtype=np.float32)
    holders = np.bincount(matrix.indices, minlength=shape[1])
    matrix = matrix @ sparse.diags_array((np.log((1 + len(texts)) / (1 + holders)) + 1).astype(np.float32))
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    return sparse.csr_matrix(sparse.diags_array((1 / lengths).astype(np.float32)) @ matrix)


def join_similarities(
    vectors: Vectors, words: sparse.csr_matrix, rows: slice, turned: sparse.csr_matrix | None = None
) -> Vectors:
    """Similarities of the issues in `rows` to all; `turned` is `words.T` as rows, for callers that ask often."""
    dense: Vectors = vectors[rows] @ vectors.T
    dense *= 1 - LEXICAL_SHARE
    dense += LEXICAL_SHARE * (words[rows] @ (words.T if turned is None else turned)).toarray()
    return dense


def cut_tree(similarities: Vectors, granularity: float) -> Labels:
    """Clusters of an average-linkage tree, cut at a share of the usual distance between two issues."""
    distances = np.maximum(1 - (similarities + similarities.T) / 2, 0).astype(np.float64)
    np.fill_diagonal(distances, 0)
    condensed = squareform(distances, checks=False)
    share = 1 - (1 - TREE_CUT) * granularity**0.5
    height = share * max(float(condensed.mean()), USUAL_DISTANCE)
    labels: Labels = fcluster(linkage(condensed, "average"), height, "distance").astype(np.int64) - 1
    return labels


def link_neighbours(vectors: Vectors, words: sparse.csr_matrix) -> sparse.csr_matrix:
    """The symmetric graph of each issue's nearest neighbours, weighted by similarity; exact, in blocks of rows."""
    size = len(vectors)
    near = min(NEIGHBOURS, size - 1)
    turned = words.T.tocsr()
    columns = np.empty((size, near), np.int32)
    weights = np.empty((size, near), np.float64)
    for start in range(0, size, _BLOCK):
        rows = slice(start, min(start + _BLOCK, size))
        block = join_similarities(vectors, words, rows, turned)
        block[np.arange(len(block)), np.arange(rows.start, rows.stop)] = -2  # nobody is its own neighbour
        nearest = np.argpartition(block, size - near, axis=1)[:, size - near :]
        columns[rows] = nearest
        weights[rows] = np.take_along_axis(block, nearest, axis=1)
    edges = (np.maximum(weights, 1e-3).ravel(), (np.repeat(np.arange(size), near), columns.ravel()))
    graph = sparse.csr_matrix(edges, shape=(size, size))
    graph = sparse.csr_matrix(graph.maximum(graph.T))
    graph.sort_indices()
    return graph


def find_communities(graph: sparse.csr_matrix, resolution: float) -> Labels:
    """Leiden's partition by modularity at `resolution`, with a fixed seed."""
    size = graph.shape[0]
    _, found = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data.astype(np.float64),
        size,
        resolution=resolution,
        iterations=10,  # less luck of the seed than 2, and still a tenth of a second for 3,000 issues
        seed=_SEED,
    )
    return np.fromiter((found[node] for node in range(size)), np.int64, size)


def _renumber(labels: Labels, smallest: int) -> Labels:
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    kept = [group for group in np.argsort(first, kind="stable") if sizes[group] >= smallest]
    numbers = np.full(len(first), -1, np.int64)
    numbers[kept] = np.arange(len(kept))
    return numbers[inverse]


if __name__ == "__main__":
    from miner.themes.group_csv import main

    main()
