"""BERTopic on vectors that are given, run by an interpreter that has it: `PYTHON peer_topics.py IN.npz OUT.npz`.

Nothing of ours is imported here. IN holds `texts`, `vectors` and `sides`: each side is modelled by itself, as our
partitions are. OUT holds `topics` (-1: BERTopic's outliers), `filled` (outliers in the nearest topic, by its own
`reduce_outliers` on the vectors), `seconds` for both and `version`. A side that BERTopic cannot model, as when it is
too small for UMAP, is all outliers.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module, metadata
from typing import Any

import numpy as np

SMALLEST = 10  # min_topic_size: its default, and what did best on banking77


def model(texts: list[str], vectors: Any) -> tuple[Any, Any]:
    """(topics, filled) of one side; the seed is fixed, all else is BERTopic's default."""
    umap = import_module("umap").UMAP(
        n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", low_memory=False, random_state=0
    )
    topics = import_module("bertopic").BERTopic(umap_model=umap, min_topic_size=SMALLEST)
    found = np.array(topics.fit_transform(texts, vectors)[0])
    if not (found < 0).any() or (found < 0).all():
        return found, found
    filled = topics.reduce_outliers(texts, found.tolist(), strategy="embeddings", embeddings=vectors)
    return found, np.array(filled)


def main(source: str, target: str) -> None:
    with np.load(source, allow_pickle=False) as given:
        texts, vectors, sides = given["texts"].tolist(), given["vectors"], given["sides"]
    model(texts[:200], vectors[:200])  # what numba compiles is not counted
    topics, filled = np.full(len(texts), -1), np.full(len(texts), -1)
    started = time.perf_counter()
    for side in np.unique(sides):
        rows = np.flatnonzero(sides == side)
        try:
            found = model([texts[row] for row in rows], vectors[rows])
        except Exception as error:
            print(f"side {side}: {type(error).__name__}: {error}"[:200], file=sys.stderr)
            continue
        for labels, mine in zip((topics, filled), found, strict=True):
            labels[rows] = np.where(mine < 0, -1, mine + labels.max() + 1)
    seconds = time.perf_counter() - started
    np.savez(target, topics=topics, filled=filled, seconds=seconds, version=metadata.version("bertopic"))


if __name__ == "__main__":
    main(*sys.argv[1:])
