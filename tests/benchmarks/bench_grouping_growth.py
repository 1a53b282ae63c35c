"""Time and memory of grouping from 10 to 100 thousand issues, and of a day's 500 new ones, embedding left out.

Made issues: sentence vectors and words of banking77 questions, jittered, so that none is there twice. Run by hand with
MINER_BENCH_DATA; each size in a process of its own, since memory is a peak.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from miner.themes.assigning import assign
from miner.themes.embed import embed_texts
from miner.themes.grouping import group_issues
from tests.benchmarks.bench_grouping import read
from tests.benchmarks.harness import headline
from tests.support.memory import peak_mb

pytestmark = pytest.mark.benchmark
SIZES = (10_000, 20_000, 100_000)


def measure(count: int) -> None:
    random = np.random.default_rng(0)
    base = [row["text"] for row in read("banking77/banking77.csv.gz")][:3_000]
    known = embed_texts(base)
    vectors = np.empty((count + 500, known.shape[1]), np.float16)
    picked = random.integers(len(base), size=count + 500)
    for start in range(0, len(vectors), 4_096):
        rows = picked[start : start + 4_096]
        jittered = known[rows] + random.normal(0, 0.03, (len(rows), known.shape[1]))
        vectors[start : start + 4_096] = jittered / np.linalg.norm(jittered, axis=1, keepdims=True)
    texts = [" ".join(word for word in base[row].split() if random.random() < 0.8) for row in picked]
    started = time.perf_counter()
    labels = group_issues(vectors[:count], texts[:count], ["bug"] * count)
    grouped = time.perf_counter() - started
    themes = [*(None if label < 0 else int(label) for label in labels.tolist()), *[None] * 500]
    started = time.perf_counter()
    placed, _ = assign(vectors, texts, ["bug"] * len(texts), themes, granularity=1, smallest=3)
    day = time.perf_counter() - started
    peak = peak_mb()
    waiting = sum(theme is None for theme in placed[count:])
    print(f"{count:8,} {len(set(labels.tolist())):7} {grouped:8.1f} {day:7.2f} {waiting:8} {peak:8.0f}", flush=True)


def test_time_and_memory_of_grouping() -> None:
    read("banking77/banking77.csv.gz")
    headline("Grouping: growth on one core (aims: 100,000 in 60 s and 1,500 MB, a day in 1 s, 20,000 in 450 MB)")
    print(f"{'issues':>8} {'themes':>7} {'group s':>8} {'day s':>7} {'waiting':>8} {'peak MB':>8}", flush=True)
    for size in SIZES:
        one = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        code = f"from tests.benchmarks.bench_grouping_growth import measure; measure({size})"
        subprocess.run([sys.executable, "-c", code], env=one, check=True)
