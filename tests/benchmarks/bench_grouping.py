"""Quality of grouping on public sets, beside BERTopic, the keyword rule and k-means, printed as a table.

Run by hand with the environment variable MINER_BENCH_DATA naming a folder that holds `dstc11/dstc11.csv.gz`,
`banking77/banking77.csv.gz` and, if at hand, `minibar/minibar_clust.csv.gz`. dstc11 is the set the constants were
chosen on; the others only judge. BERTopic is no dependency: it is measured when this interpreter, or the one that
BENCH_TOPICS_PYTHON names, has it.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.themes.embed import embed_texts
from miner.themes.grouping import group_issues
from tests.benchmarks.harness import headline
from tests.support.scores import compare

Row = dict[str, str]
pytestmark = pytest.mark.benchmark

FLOORS = {"banking77 test": 0.57, "Mini-BAR en, by app and type": 0.40}
AIMS = {"banking77 test": 0.64, "Mini-BAR en, by app and type": 0.48}
# What the replaced system did: the first list with a word in the text is the theme.
KEYWORDS = {
    "crash": ("crash", "freeze", "hang"),
    "error": ("error", "fail", "broken", "not work", "wrong"),
    "performance": ("slow", "timeout", "lag", "loading"),
    "login": ("login", "log in", "password", "account", "pin"),
    "billing": ("payment", "charge", "refund", "fee", "bill", "card"),
    "feature": ("add", "feature", "wish", "would be", "support"),
    "how to": ("how", "where", "can i"),
}
# Measured in November 2026 on MiniLM fp32, 3 seeds, best setting: min_topic_size 10.
BERTOPIC = {"banking77 test": "0.37-0.43 (0.54-0.56 filled), accuracy 0.62, 26-52 s"}
TOPICS = Path(__file__).parent / "peer_topics.py"
PIP = (
    "python3.11 -m venv /tmp/topics && /tmp/topics/bin/pip install pandas umap-learn hdbscan plotly "
    "&& /tmp/topics/bin/pip install --no-deps bertopic==0.17.4"
)
PYTHON = sys.executable if importlib.util.find_spec("bertopic") else os.environ.get("BENCH_TOPICS_PYTHON")


def read(name: str) -> list[Row]:
    root = os.environ.get("MINER_BENCH_DATA")
    if not root:
        pytest.skip("MINER_BENCH_DATA is not set: name the folder with the data sets")
    path = Path(root, name)
    if not path.exists():
        pytest.fail(f"{path} is missing")
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def match_keywords(texts: list[str]) -> NDArray[np.int64]:
    lists = list(KEYWORDS.values())
    found = (
        next((n for n, words in enumerate(lists) if any(word in text.lower() for word in words)), len(lists))
        for text in texts
    )
    return np.fromiter(found, np.int64, len(texts))


def score(truth: list[str], labels: NDArray[np.int64], partitions: list[str]) -> tuple[float, float, float]:
    """ARI, accuracy, and ARI on groups of 3 and more, inside the partitions, weighted by size."""
    scores, weights, large, large_weights = [], [], [], []
    for partition, size in Counter(partitions).items():
        chosen = np.array([one == partition for one in partitions])
        part = [one for one, mine in zip(truth, chosen, strict=True) if mine]
        scores.append(compare(part, labels[chosen]))
        weights.append(size)
        often = {one for one, count in Counter(part).items() if count >= 3}
        kept = np.array([one in often for one in part])
        if kept.any():
            large.append(compare([one for one in part if one in often], labels[chosen][kept])[0])
            large_weights.append(int(kept.sum()))
    ari, accuracy = np.average(scores, axis=0, weights=weights)
    return float(ari), float(accuracy), float(np.average(large, weights=large_weights))


def judge(name: str, rows: list[Row], partitions: list[str]) -> None:
    texts, truth = [row["text"] for row in rows], [row["label"] for row in rows]
    vectors = embed_texts(texts)
    started = time.perf_counter()
    labels = group_issues(vectors, texts, partitions, smallest=1)
    seconds = time.perf_counter() - started
    ari, accuracy, large = score(truth, labels, partitions)
    keywords = score(truth, match_keywords(texts), partitions)[0]
    pool = float((group_issues(vectors, texts, partitions) < 0).mean())
    print(
        f"{name:32} {FLOORS.get(name, 0):6.2f} {AIMS.get(name, 0):5.2f} {ari:6.3f} {large:7.3f} {accuracy:6.3f} "
        f"{len(set(labels.tolist())):7} {pool:6.1%} {seconds:5.1f} {keywords:8.3f}  "
        f"{beside(name, texts, truth, partitions, vectors)}",
        flush=True,
    )


def beside(name: str, texts: list[str], truth: list[str], partitions: list[str], vectors: NDArray[np.float32]) -> str:
    """BERTopic on the same vectors and partitions; outliers are one cluster, or filled into the nearest topic."""
    if PYTHON is None:
        return f"recorded: {BERTOPIC[name]}" if name in BERTOPIC else "not recorded"
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(source, texts=np.array(texts), vectors=vectors, sides=np.array(partitions))
        subprocess.run([PYTHON, str(TOPICS), str(source), str(target)], check=True, timeout=1_800)
        with np.load(target, allow_pickle=False) as found:
            topics, filled, seconds, version = (found[one] for one in ("topics", "filled", "seconds", "version"))
    (ari, accuracy, _), full = score(truth, topics, partitions), score(truth, filled, partitions)[0]
    outliers = float((topics < 0).mean())
    return (
        f"{version}: ARI {ari:.3f}, filled {full:.3f}, ACC {accuracy:.3f}, {len(set(topics.tolist()) - {-1})} topics, "
        f"{outliers:.1%} outliers, {seconds:.0f} s"
    )


def test_quality_of_grouping() -> None:
    headline("Grouping: quality, the number of themes unknown, no language model")
    if PYTHON is None:
        print(
            f"BERTopic is not here, below stands what was recorded: {PIP}; BENCH_TOPICS_PYTHON=/tmp/topics/bin/python"
        )
    print(
        f"{'set':32} {'floor':>6} {'aim':>5} {'ARI':>6} {'ARI>=3':>7} {'ACC':>6} {'themes':>7} {'pool':>6} {'s':>5} "
        f"{'keywords':>8}  BERTopic"
    )
    dstc = read("dstc11/dstc11.csv.gz")
    test = [row for row in read("banking77/banking77.csv.gz") if row["split"] == "test"]
    judge("dstc11 (chosen on)", dstc, ["all"] * len(dstc))
    judge("dstc11 by domain (chosen on)", dstc, [row["id"].split("_")[0] for row in dstc])
    judge("banking77 test", test, ["all"] * len(test))
    if not Path(os.environ["MINER_BENCH_DATA"], "minibar").exists():
        print("minibar/minibar_clust.csv.gz is not there: Mini-BAR is not measured")
        return
    for language in ("en", "fr"):
        rows = [row for row in read("minibar/minibar_clust.csv.gz") if row["lang"] == language]
        judge(f"Mini-BAR {language}, by app and type", rows, [row["app"] + row["type"] for row in rows])
