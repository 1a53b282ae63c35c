"""Hit rate at five of similar issues on known duplicates of a public tracker, beside TF-IDF alone.

Run by hand with MINER_BENCH_DATA naming a folder with `gitbugs/gitbugs_issues.csv.gz` and
`gitbugs/gitbugs_pairs.csv.gz`.
"""

from __future__ import annotations

import pytest

from miner.themes.embed import embed_texts
from miner.themes.similar import SHARE
from miner.themes.similarity import weigh_words
from tests.benchmarks.bench_grouping import read
from tests.benchmarks.harness import headline

pytestmark = pytest.mark.benchmark


def test_hit_rate_of_similar_issues() -> None:
    issues, pairs = read("gitbugs/gitbugs_issues.csv.gz"), read("gitbugs/gitbugs_pairs.csv.gz")
    headline("Similar issues: how often the known duplicate is among the first five")
    print(f"{'project':12} {'issues':>7} {'pairs':>6} {'TF-IDF':>7} {'meaning':>8} {'both':>6}")
    for project in sorted({row["project"] for row in issues}):
        rows = [row for row in issues if row["project"] == project]
        texts = [row["text"].split("\n")[0] for row in rows]
        place = {row["id"]: number for number, row in enumerate(rows)}
        known = [
            (place[first], place[second])
            for first, second in (list(pair.values())[:2] for pair in pairs)
            if first in place and second in place
        ]
        words = weigh_words(texts)
        lexical, dense = (words @ words.T).toarray(), (vectors := embed_texts(texts)) @ vectors.T
        hits = []
        for share in (1.0, 0.0, SHARE):
            found = 0
            for one, other in known:
                alike = (1 - share) * dense[one] + share * lexical[one]
                alike[one] = -2
                found += other in alike.argsort()[::-1][:5]
            hits.append(found / max(1, len(known)))
        print(f"{project:12} {len(rows):7,} {len(known):6} {hits[0]:7.2f} {hits[1]:8.2f} {hits[2]:6.2f}")
