"""New issues into the themes there are, pure: nothing that is known moves, what fits nowhere waits in the pool.

An issue joins the theme whose centre is nearest when it is near enough and clearly nearer than the second. What stays
in the pool is grouped by itself, so that a new problem need not wait for the next grouping of all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from miner.themes.grouping import StoredVectors, group_issues
from miner.themes.similarity import Vectors

Labels = NDArray[np.int64]

NEAR, GAP = 0.6, 0.02  # cosine to the centre, and how much nearer than to the second; chosen on dstc11


def assign(
    vectors: StoredVectors,
    texts: Sequence[str],
    partitions: Sequence[str],
    themes: Sequence[int | None],
    *,
    granularity: float,
    smallest: int,
) -> tuple[list[int | None], Labels]:
    """The theme of each issue (`themes`: what it has now), and for those without one the new group, -1: the pool."""
    placed = list(themes)
    known = sorted({theme for theme in themes if theme is not None})
    waiting = [row for row, theme in enumerate(themes) if theme is None]
    if known and waiting:
        centres = _find_centres(vectors, themes, known)
        alike = vectors[waiting].astype(np.float32) @ centres.T
        best = alike.argmax(axis=1)
        nearest = alike[np.arange(len(waiting)), best]
        second = np.partition(alike, -2, axis=1)[:, -2] if len(known) > 1 else np.full(len(waiting), -1.0)
        for row, theme, sure in zip(waiting, best, (nearest >= NEAR) & (nearest - second >= GAP), strict=True):
            if sure:
                placed[row] = known[theme]
    pool = [row for row in waiting if placed[row] is None]
    groups = np.full(len(texts), -1, np.int64)
    if pool:
        groups[pool] = group_issues(
            vectors[pool], [texts[row] for row in pool], [partitions[row] for row in pool], granularity, smallest
        )
    return placed, groups


def _find_centres(vectors: StoredVectors, themes: Sequence[int | None], known: Sequence[int]) -> Vectors:
    place = {theme: number for number, theme in enumerate(known)}
    rows = [row for row, theme in enumerate(themes) if theme is not None]
    of = np.array([place[theme] for theme in themes if theme is not None])
    order = np.argsort(of, kind="stable")
    starts = np.searchsorted(of[order], np.arange(len(known)))
    sums = np.add.reduceat(vectors[np.array(rows)[order]].astype(np.float32), starts, axis=0)
    centres: Vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return centres
