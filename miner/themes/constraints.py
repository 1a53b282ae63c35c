"""What people decided about themes, as constraints that every grouping obeys, pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from miner.themes.similarity import Vectors

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Together:
    """Two themes that a person merged, as the issues each had: the clusters that hold most of them are one."""

    first: frozenset[int]
    second: frozenset[int]


@dataclass(frozen=True)
class Apart:
    """A theme that a person split, as the issues on both sides: no cluster holds issues of both."""

    stays: frozenset[int]
    leaves: frozenset[int]


def obey(labels: Labels, issues: Sequence[int], vectors: Vectors, edits: Sequence[Together | Apart]) -> Labels:
    """`labels` (-1: none) with each edit obeyed, the latest last; `issues` are the ids, `vectors` unit rows.

    What is split stays a cluster however small it is. The issues of a cluster that nobody placed go to the nearer side.
    """
    result = labels.copy()
    ids = np.array(issues, np.int64)
    for edit in edits:
        if isinstance(edit, Together):
            _join(result, np.isin(ids, list(edit.first)), np.isin(ids, list(edit.second)))
        else:
            _part(result, np.isin(ids, list(edit.stays)), np.isin(ids, list(edit.leaves)), vectors)
    return result


def _join(labels: Labels, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> None:
    one, other = _home(labels[first]), _home(labels[second])
    if one is not None and other is not None:
        labels[labels == other] = one


def _home(labels: Labels) -> int | None:
    """The cluster that holds the most; None when all are in the pool."""
    found = Counter(label for label in labels.tolist() if label >= 0)
    return min(found, key=lambda label: (-found[label], label)) if found else None


def _part(labels: Labels, stays: NDArray[np.bool_], leaves: NDArray[np.bool_], vectors: Vectors) -> None:
    if not leaves.any():
        return
    new = int(labels.max(initial=-1)) + 1
    for label in sorted(set(labels[leaves].tolist())):
        inside = labels == label
        if label < 0 or not (inside & stays).any():
            labels[inside & leaves] = new  # the pool, or a cluster that the other side has no issue in
            if label >= 0:
                labels[inside] = new
            continue
        here, there = (vectors[inside & side].mean(axis=0) for side in (stays, leaves))
        free = np.flatnonzero(inside & ~stays & ~leaves)
        labels[inside & leaves] = new
        labels[free[vectors[free] @ there > vectors[free] @ here]] = new
