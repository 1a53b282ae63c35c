"""The numbers behind a flag, named for people."""

from __future__ import annotations

import datetime as dt

import numpy as np

from dashboard.figures import LABELS, figure, named
from miner.trends.counting import Coverage
from miner.trends.detection import judge_themes
from miner.trends.fixes import Since
from miner.trends.wording import History

LAST = dt.date(2026, 11, 15)


def test_every_number_that_a_verdict_has_a_label() -> None:
    coverage = Coverage(LAST - dt.timedelta(days=99), LAST)
    old = History(coverage.first, LAST, 100, None)
    new = History(LAST - dt.timedelta(days=3), LAST, 9, 9)
    verdicts = judge_themes(np.ones((2, 57)), np.ones(57), coverage, [old, new])
    assert [verdict.flag for verdict in verdicts] == [None, "new"]
    fixed = History(
        coverage.first, LAST, 100, None, fixed=LAST - dt.timedelta(days=9), since=Since(who=4, voices=4, last=LAST)
    )
    gone = History(coverage.first, LAST - dt.timedelta(days=30), 100, None)
    counts = np.concatenate([np.ones((2, 60)), np.zeros((2, 30))], axis=1)
    verdicts += judge_themes(counts, np.ones(90), coverage, [fixed, gone])
    assert [verdict.flag for verdict in verdicts[2:]] == ["came_back", "faded"]
    assert {name for verdict in verdicts for name in verdict.numbers} == set(LABELS)


def test_labels_read_like_words_and_no_two_are_the_same() -> None:
    assert len(set(LABELS.values())) == len(LABELS)
    assert [label for label in LABELS.values() if "_" in label or not label[0].isupper()] == []


def test_they_come_in_the_order_of_an_explanation_and_unknown_ones_last_under_their_own_name() -> None:
    assert named({"some_new_p": 1, "rising_p": 0.00042, "as_of": "2026-11-15", "customers": None}) == [
        ("Judged day, the last complete one", "2026-11-15"),
        ("Different customers in all", "unknown"),
        ("Chance of such a rise, from 0 to 1", "0.00042"),
        ("some new p", "1"),
    ]


def test_figures_are_readable() -> None:
    values = (None, 1076, 4.3125, 0.00042, 3.2e-9, 0.0, "2026-11-01", [1, 2.5], True)
    assert [figure(value) for value in values] == [
        "unknown", "1,076", "4.31", "0.00042", "under 0.0001", "0.00", "2026-11-01", "1, 2.50", "True",
    ]  # fmt: skip
