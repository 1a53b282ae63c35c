"""Quality, time and memory of grouping, printed as a table.

Run by hand with the environment variable MINER_BENCH_DATA naming a folder that holds `dstc11/dstc11.csv.gz`,
`banking77/banking77.csv.gz`, `gitbugs/gitbugs_issues.csv.gz` and, if at hand,
`minibar/minibar_clust.csv.gz`. dstc11 is the set the constants were chosen on; the others only judge.
"""

from __future__ import annotations

import csv
import gzip
import os
import resource
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from miner.themes import grouping
from miner.themes.embed import embed_texts
from miner.themes.naming import choose_name, find_terms

Row = dict[str, str]
pytestmark = pytest.mark.benchmark


def read(name: str) -> list[Row]:
    root = os.environ.get("MINER_BENCH_DATA")
    if not root:
        pytest.skip("MINER_BENCH_DATA is not set: name the folder with the data sets")
    path = Path(root, name)
    if not path.exists():
        pytest.fail(f"{path} is missing")
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


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


def judge(name: str, rows: list[Row], partitions: list[str]) -> None:
    texts, truth = [row["text"] for row in rows], [row["label"] for row in rows]
    vectors = embed_texts(texts)
    for share in (0.0, grouping.LEXICAL_SHARE):
        usual, grouping.LEXICAL_SHARE = grouping.LEXICAL_SHARE, share
        started = time.perf_counter()
        labels = grouping.group_issues(vectors, texts, partitions, smallest=1)
        seconds = time.perf_counter() - started
        grouping.LEXICAL_SHARE = usual
        scores, weights, large = [], [], []
        for partition, size in Counter(partitions).items():
            chosen = np.array([one == partition for one in partitions])
            part = [one for one, mine in zip(truth, chosen, strict=True) if mine]
            scores.append(compare(part, labels[chosen]))
            weights.append(size)
            often = {one for one, count in Counter(part).items() if count >= 3}
            kept = np.array([one in often for one in part])
            if kept.any():
                large.append(compare([one for one in part if one in often], labels[chosen][kept])[0])
        ari, accuracy = np.average(scores, axis=0, weights=weights)
        clusters = len(set(labels.tolist()))
        print(f"{name:34} {share:5.1f} {ari:6.3f} {np.mean(large):7.3f} {accuracy:6.3f} {clusters:7} {seconds:6.2f}")


def show(rows: list[Row], most: int = 25) -> None:
    """The largest themes of a real stream, to be judged by eye."""
    texts = [row["text"] for row in rows]
    vectors = embed_texts(texts)
    labels = grouping.group_issues(vectors, texts, ["bug"] * len(texts))
    sizes = np.bincount(labels[labels >= 0])
    terms = find_terms(texts, labels)
    taken: set[str] = set()
    print(f"\nSeaMonkey: {len(sizes)} themes, {int((labels < 0).sum())} of {len(texts)} not in one; the largest:")
    for label in np.argsort(-sizes, kind="stable")[:most]:
        members = np.flatnonzero(labels == label)
        name = choose_name([texts[one] for one in members], vectors[members], terms[label], taken)
        taken.add(name.lower())
        print(f"{sizes[label]:4}  {name}  ({', '.join(terms[label])})")


def time_large(texts: list[str]) -> None:
    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    print(f"\n{'texts':>7} {'embed s':>8} {'group s':>8} {'peak MB':>8}")
    for count in (1_000, 5_000, 20_000):
        part = texts[:count]
        started = time.perf_counter()
        vectors = np.concatenate([embed_texts(part[start : start + 64]) for start in range(0, len(part), 64)])
        embedded = time.perf_counter()
        grouping.group_issues(vectors, part, ["bug"] * len(part))
        ended = time.perf_counter()
        print(f"{len(part):7,} {embedded - started:8.1f} {ended - embedded:8.1f} {peak():8.0f}")


def test_quality_time_and_memory_of_grouping() -> None:
    dstc, banking = read("dstc11/dstc11.csv.gz"), read("banking77/banking77.csv.gz")
    gitbugs = read("gitbugs/gitbugs_issues.csv.gz")
    test = [row for row in banking if row["split"] == "test"]
    seamonkey = [row for row in gitbugs if row["project"] == "seamonkey"]
    time_large(list(dict.fromkeys(row["text"] for row in banking + gitbugs + dstc)))
    print(f"\n{'set':34} {'words':>5} {'ARI':>6} {'ARI>=3':>7} {'ACC':>6} {'themes':>7} {'s':>6}")
    judge("dstc11 (chosen on)", dstc, ["all"] * len(dstc))
    judge("dstc11 by domain (chosen on)", dstc, [row["id"].split("_")[0] for row in dstc])
    judge("banking77 test", test, ["all"] * len(test))
    if Path(os.environ["MINER_BENCH_DATA"], "minibar").exists():
        for language in ("en", "fr"):
            rows = [row for row in read("minibar/minibar_clust.csv.gz") if row["lang"] == language]
            judge(f"Mini-BAR {language}, by app and type", rows, [row["app"] + row["type"] for row in rows])
    show(seamonkey)
