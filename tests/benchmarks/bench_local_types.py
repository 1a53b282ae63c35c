"""What the local rules reach, by hand: `MINER_BENCH_DATA=FOLDER pytest tests/benchmarks/bench_local_types.py -s`.

FOLDER/minibar/minibar_class.csv.gz: app reviews labelled bug, feature or other (Mini-BAR, arXiv 2311.03058), English
and French. The cues were read against the errors on one app (Garmin Connect); the other one was never looked at. Nine
types fold into three: a wish is a feature, no issue and `other` are other, all else is a bug. Beside it: keyword rules
of the reference measurement, macro-F1 .669 in English and .283 in French.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from miner.issues.answer import Passage, TicketText
from miner.issues.classify import classify
from miner.issues.local import LocalAnalyzer
from miner.tickets.payload import parse_ticket
from miner.tickets.sample import sample_path

pytestmark = pytest.mark.benchmark

KINDS = ("bug", "feature", "other")
FOLDED = {"feature_request": "feature", "none": "other", "other": "other"}


def labelled() -> list[dict[str, str]]:
    folder = os.environ.get("MINER_BENCH_DATA")
    path = Path(folder or ".") / "minibar" / "minibar_class.csv.gz"
    if not folder or not path.exists():
        pytest.skip(f"no file {path}: set MINER_BENCH_DATA to the folder that holds it")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["label"] in KINDS]


def macro_f1(pairs: list[tuple[str, str]]) -> tuple[float, dict[str, float]]:
    """(the mean, F1 by kind) of (truth, answer) pairs."""
    scores = {}
    for kind in KINDS:
        right = sum(truth == kind == answer for truth, answer in pairs)
        claimed, there = sum(answer == kind for _, answer in pairs), sum(truth == kind for truth, _ in pairs)
        scores[kind] = 2 * right / (claimed + there) if claimed + there else 0.0
    return sum(scores.values()) / len(scores), scores


def test_macro_f1_and_the_worth_of_the_confidence() -> None:
    analyzer = LocalAnalyzer()
    rows = labelled()
    began = time.perf_counter()
    answers = [(row, *classify(analyzer, row["text"])[:2]) for row in rows]
    print(f"\n{len(rows):,} reviews, {len(rows) / (time.perf_counter() - began):,.0f} a second")
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    sure: dict[tuple[str, float | None], list[bool]] = defaultdict(list)
    for row, kind, confidence in answers:
        pair = row["label"], FOLDED.get(kind, "bug")
        groups[row["lang"]].append(pair)
        groups[f"{row['lang']} {row['app']}"].append(pair)
        sure[row["lang"], confidence].append(pair[0] == pair[1])
    for name, pairs in sorted(groups.items()):
        mean, scores = macro_f1(pairs)
        print(f"{name:20} macro-F1 {mean:.3f}  " + "  ".join(f"{kind} {score:.3f}" for kind, score in scores.items()))
    for (language, confidence), right in sorted(sure.items(), key=str):
        print(f"{language} said {confidence}: {sum(right) / len(right):.3f} right of {len(right)}")


def test_what_is_found_in_the_sample() -> None:
    lines = gzip.decompress(sample_path().read_bytes()).splitlines()
    tickets = [parse_ticket(json.loads(line), source="sample") for line in lines]
    texts = [
        TicketText(
            id=number,
            text=ticket.text,
            subject_end=len(ticket.subject),
            passages=tuple(Passage(one.start, one.end or 0) for one in ticket.comments if one.start is not None),
        )
        for number, ticket in enumerate(tickets)
    ]
    began = time.perf_counter()
    readings = list(LocalAnalyzer().read(texts))
    seconds = time.perf_counter() - began
    found = [finding for reading in readings for finding in reading.findings]
    print(f"\n{len(texts):,} tickets in {seconds:.1f} s, {len(found) / len(texts):.2f} issues a ticket")
    print("issues a ticket:", dict(sorted(Counter(len(reading.findings) for reading in readings).items())))
    print("types:", dict(Counter(finding.type for finding in found).most_common()))
    print("severities:", dict(Counter(finding.severity for finding in found).most_common()))
