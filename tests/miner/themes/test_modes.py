"""When all is grouped anew, and when a person is asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from miner.themes.modes import LastGrouping, is_due, must_ask

NOW = dt.datetime(2026, 11, 20, 2, 0, tzinfo=dt.UTC)
LAST = LastGrouping(NOW - dt.timedelta(days=1), NOW - dt.timedelta(days=60), 1.0, 3, pool=40)


def due(last: LastGrouping | None = LAST, **given: Any) -> str | None:
    usual: dict[str, Any] = {"issues": 1_000, "pool": 60, "days": 3, "granularity": 1.0, "smallest": 3}
    return is_due(last, now=NOW, **{**usual, **given})


def test_between_groupings_nothing_is_due() -> None:
    assert due() is None


@pytest.mark.parametrize(
    ("last", "given"),
    [
        (None, {}),
        (LAST, {"issues": 499}),
        (LAST, {"granularity": 2.0}),
        (LAST, {"smallest": 4}),
        (LAST, {"pool": 91}),
        (replace(LAST, made_at=NOW - dt.timedelta(days=3, hours=-1)), {}),
    ],
)
def test_first_few_new_settings_many_that_fit_nowhere_or_time_make_it_due(
    last: LastGrouping | None, given: dict[str, Any]
) -> None:
    assert due(last, **given) is not None


def test_a_person_is_asked_when_more_than_30_percent_would_move() -> None:
    assert must_ask(LAST, now=NOW, issues=1_000, known=900, moved=271)
    assert not must_ask(LAST, now=NOW, issues=1_000, known=900, moved=270)


def test_nobody_is_asked_about_few_issues_or_in_the_first_fortnight() -> None:
    assert not must_ask(LAST, now=NOW, issues=499, known=400, moved=400)
    young = replace(LAST, first_at=NOW - dt.timedelta(days=13))
    assert not must_ask(young, now=NOW, issues=1_000, known=900, moved=900)
    assert not must_ask(None, now=NOW, issues=1_000, known=900, moved=900)
