"""Grouping keeps its quality: floors on slices of two public sets (see NOTICE), the number of groups unknown."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.themes.embed import embed_texts
from miner.themes.grouping import group_issues
from tests.support.scores import compare

DATA = Path(__file__).parents[2] / "data"
Slice = tuple[list[str], list[str], NDArray[np.float32]]


def read(name: str) -> Slice:
    with gzip.open(DATA / name, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    return texts, [row["label"] for row in rows], embed_texts(texts)


@pytest.fixture(scope="module")
def banking() -> Slice:
    return read("banking77_slice.csv.gz")


@pytest.fixture(scope="module")
def finance() -> Slice:
    return read("dstc11_slice.csv.gz")


def test_banking_questions_are_grouped_as_people_would(banking: Slice) -> None:
    texts, truth, vectors = banking
    labels = group_issues(vectors, texts, ["all"] * len(texts), smallest=1)
    agreement, accuracy = compare(truth, labels)
    assert agreement >= 0.60
    assert accuracy >= 0.70
    assert 25 <= len(set(labels.tolist())) <= 60


def test_finance_calls_are_grouped_as_people_would(finance: Slice) -> None:
    texts, truth, vectors = finance
    agreement, accuracy = compare(truth, group_issues(vectors, texts, ["all"] * len(texts), smallest=1))
    assert agreement >= 0.60
    assert accuracy >= 0.65


def test_a_wrong_type_on_15_percent_of_the_issues_costs_at_most_3_points(finance: Slice) -> None:
    texts, truth, vectors = finance
    losses = []
    for seed in range(3):
        random = np.random.default_rng(seed)
        kinds = {intent: int(random.integers(2)) for intent in sorted(set(truth))}
        right = np.array([kinds[intent] for intent in truth])
        wrong = np.where(random.random(len(truth)) < 0.15, 1 - right, right)
        before, after = (
            compare(truth, group_issues(vectors, texts, types.tolist(), smallest=1))[0] for types in (right, wrong)
        )
        losses.append(before - after)
    assert np.mean(losses) <= 0.03
