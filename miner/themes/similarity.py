"""How alike two issues are, pure: the cosine of their sentence vectors joined with the cosine of their TF-IDF words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from miner.themes.words import split_words

Vectors = NDArray[np.float32]


def centre_vectors(vectors: Vectors) -> Vectors:
    """The vectors without what all of them share (their mean), unit rows again; zero rows stay zero."""
    centred: Vectors = vectors - vectors.mean(axis=0, dtype=np.float32)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    centred /= np.maximum(lengths, 1e-9)
    return centred


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


def join_similarities(dense: Vectors, lexical: Vectors, share: float) -> Vectors:
    """The weighted sum of both cosines; `share` is the weight of the words."""
    return (1 - share) * dense + share * lexical
