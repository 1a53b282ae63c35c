"""Between groupings nothing that is known moves."""

from __future__ import annotations

import numpy as np

from miner.themes.assigning import assign
from miner.themes.embed import embed_texts

EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error"]
LOGIN = ["Cannot log in", "Login does not work", "The login fails"]


def run(texts: list[str], themes: list[int | None]) -> tuple[list[int | None], list[int]]:
    placed, groups = assign(embed_texts(texts), texts, ["bug"] * len(texts), themes, granularity=1, smallest=3)
    return placed, groups.tolist()


def test_a_new_issue_joins_the_theme_it_is_clearly_nearest_to() -> None:
    placed, groups = run([*EXPORT, *LOGIN, "CSV export crashes every time"], [1] * 3 + [2] * 3 + [None])
    assert placed == [1] * 3 + [2] * 3 + [1]
    assert set(groups) == {-1}


def test_one_that_fits_nowhere_waits_in_the_pool() -> None:
    placed, groups = run([*EXPORT, *LOGIN, "Please add a dark theme"], [1] * 3 + [2] * 3 + [None])
    assert placed[-1] is None
    assert groups[-1] == -1


def test_new_problems_become_themes_without_waiting() -> None:
    placed, groups = run(EXPORT + LOGIN, [1] * 3 + [None] * 3)
    assert placed == [1] * 3 + [None] * 3
    assert groups == [-1] * 3 + [0] * 3


def test_what_is_known_stays_even_where_it_fits_badly() -> None:
    assert run(EXPORT + LOGIN, [1, 2, 1, 2, 1, 2])[0] == [1, 2, 1, 2, 1, 2]


def test_between_two_equal_themes_an_issue_waits() -> None:
    placed, _ = run([*EXPORT, *EXPORT, "CSV export crashes"], [1] * 3 + [2] * 3 + [None])
    assert placed[-1] is None
    assert np.array(placed[:6]).tolist() == [1] * 3 + [2] * 3
