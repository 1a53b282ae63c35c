"""What the local analyzer reaches on an app it has not read, by hand:

    MINER_BENCH_DATA=FOLDER pytest tests/benchmarks/bench_local_types.py -s

FOLDER/minibar/minibar_class.csv.gz: app reviews labelled bug, feature or other (Mini-BAR, arXiv 2311.03058), English
and French, two apps. The shipped weights were trained on both, so for each app weights are trained on the other one, as
`scripts/train_local.py` does, and every review goes through the whole analyzer. Nine types fold into three: a wish is
a feature; no issue, `other` and `unclear` are other; all else is a bug. Beside it, of the reference measurement, where
two apps were trained on for each one left out: keyword rules .669 in English and .283 in French, words and meaning .859
and .821.
MINER_BENCH_VECTORS names a file that keeps the sentence vectors, which take minutes, between runs.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from miner.issues.answer import Passage, TicketText
from miner.issues.classify import classify_all
from miner.issues.linear import KINDS, Linear, load
from miner.issues.local import LocalAnalyzer
from miner.tickets.payload import parse_ticket
from miner.tickets.sample import sample_path
from scripts.train_local import Data, Model

pytestmark = pytest.mark.benchmark

FOLDED = {"feature_request": "feature", "none": "other", "other": "other", "unclear": "other"}


def macro_f1(pairs: list[tuple[str, str]]) -> tuple[float, dict[str, float]]:
    """(the mean, F1 by kind) of (truth, answer) pairs."""
    scores = {}
    for kind in KINDS:
        right = sum(truth == kind == answer for truth, answer in pairs)
        claimed, there = sum(answer == kind for _, answer in pairs), sum(truth == kind for truth, _ in pairs)
        scores[kind] = 2 * right / (claimed + there) if claimed + there else 0.0
    return sum(scores.values()) / len(scores), scores


def test_macro_f1_on_an_app_that_was_left_out_and_the_worth_of_the_confidence() -> None:
    folder = Path(os.environ.get("MINER_BENCH_DATA") or ".")
    path = folder / "minibar" / "minibar_class.csv.gz"
    if not path.exists():
        pytest.skip(f"no file {path}: set MINER_BENCH_DATA to the folder that holds it")
    vectors = os.environ.get("MINER_BENCH_VECTORS")
    shipped = load()
    calibration = np.append(shipped.sharpness, shipped.lean[:-1]).astype(np.float64)
    data = Data(folder, Path(vectors) if vectors else None)
    meaning = dict(zip(data.gists, data.meaning.astype(np.float32), strict=True))
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    sure: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    unclear = 0
    for app in np.unique(data.apps):
        arrays = Model(data, data.apps != app).arrays(calibration)
        linear = Linear(**{name: np.asarray(values, np.float32) for name, values in arrays.items()})
        analyzer = LocalAnalyzer(embed=lambda texts: np.array([meaning[text] for text in texts]), linear=linear)
        chosen = np.flatnonzero((data.apps == app) & data.judged)
        answers = classify_all(analyzer, [data.raw[row] for row in chosen])
        for row, (kind, confidence, _) in zip(chosen, answers, strict=True):
            pair = KINDS[data.kinds[row]], FOLDED.get(kind, "bug")
            groups[data.languages[row]].append(pair)
            groups[f"{data.languages[row]} {app}"].append(pair)
            unclear += kind == "unclear"
            if confidence is not None and kind != "unclear":
                sure[int(confidence * 10)].append((confidence, pair[0] == pair[1]))
    print(f"\n{unclear / data.judged.sum():.1%} unclear")
    for name, pairs in sorted(groups.items()):
        mean, scores = macro_f1(pairs)
        print(f"{name:20} macro-F1 {mean:.3f}  " + "  ".join(f"{kind} {score:.3f}" for kind, score in scores.items()))
    for _, found in sorted(sure.items()):
        said, right = (np.mean(values) for values in zip(*found, strict=True))
        print(f"issues said to be right with {said:.2f}: {right:.2f} of {len(found)}")


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
