"""How alike two issues are, pure: the cosine of their sentence vectors joined with the cosine of their TF-IDF words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from miner.themes.words import split_words

Vectors = NDArray[np.float32]

_PIECES = range(3, 6)
FEW = 20  # issues: of so many, half of the mean is taken off; the mean of two or three says little of the others


def centre_vectors(vectors: Vectors) -> Vectors:
    """The vectors without what all of them share (their mean), unit rows again; zero rows stay zero."""
    share = np.float32(len(vectors) / (len(vectors) + FEW))
    centred: Vectors = vectors - share * vectors.mean(axis=0, dtype=np.float32)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    centred /= np.maximum(lengths, 1e-9)
    return centred


def weigh_words(texts: Sequence[str]) -> sparse.csr_matrix:
    """TF-IDF of words and pairs of words, sublinear in the count, a unit row for each text (zero: it has no words)."""
    return _weigh(found + [f"{one} {other}" for one, other in pairwise(found)] for found in map(split_words, texts))


def weigh_pieces(texts: Sequence[str]) -> sparse.csr_matrix:
    """The same of pieces of words: 3 to 5 neighbouring characters, the borders of a word being characters too."""
    return _weigh([piece for word in split_words(text) for piece in _pieces(f" {word[:40]} ")] for text in texts)


def _pieces(word: str) -> Iterator[str]:
    for size in _PIECES:
        yield from (word[start : start + size] for start in range(max(1, len(word) - size + 1)))


def _weigh(documents: Iterable[Sequence[str]]) -> sparse.csr_matrix:
    vocabulary: dict[str, int] = {}
    rows, columns, weights = [], [], []
    size = 0
    for row, terms in enumerate(documents):
        size = row + 1
        for term, count in Counter(terms).items():
            rows.append(row)
            columns.append(vocabulary.setdefault(term, len(vocabulary)))
            weights.append(1 + math.log(count))
    shape = (size, max(1, len(vocabulary)))
    matrix = sparse.csr_matrix((weights, (rows, columns)), shape=shape, dtype=np.float32)
    holders = np.bincount(matrix.indices, minlength=shape[1])
    matrix = matrix @ sparse.diags_array((np.log((1 + size) / (1 + holders)) + 1).astype(np.float32))
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    return sparse.csr_matrix(sparse.diags_array((1 / lengths).astype(np.float32)) @ matrix)


def join_similarities(dense: Vectors, lexical: Vectors, share: float) -> Vectors:
    """The weighted sum of both cosines; `share` is the weight of the words."""
    return (1 - share) * dense + share * lexical


def find_usual_distance(vectors: Vectors, words: sparse.csr_matrix, share: float) -> float:
    """The mean distance between two of at least two different rows, from sums, without the matrix of all pairs."""
    size = len(vectors)
    sums = vectors.sum(axis=0, dtype=np.float64), np.asarray(words.sum(axis=0, dtype=np.float64)).ravel()
    own = float((vectors * vectors).sum(dtype=np.float64)), float(words.multiply(words).sum(dtype=np.float64))
    dense, lexical = ((float(one @ one) - same) / (size * (size - 1)) for one, same in zip(sums, own, strict=True))
    return 1 - (1 - share) * dense - share * lexical
