"""How well labels agree with a truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment


def compare(truth: Sequence[str], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Adjusted Rand index, and accuracy under the best one-to-one matching of clusters to classes."""
    rows, columns = np.unique(np.array(truth), return_inverse=True)[1], np.unique(labels, return_inverse=True)[1]
    table = sparse.coo_matrix((np.ones(len(rows)), (rows, columns))).toarray()

    def pairs(counts: NDArray[np.float64]) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, first, second, total = pairs(table), pairs(table.sum(1)), pairs(table.sum(0)), pairs(np.array([len(rows)]))
    chance = first * second / total
    best = linear_sum_assignment(table, maximize=True)
    return (both - chance) / ((first + second) / 2 - chance), float(table[best].sum() / len(rows))
