from __future__ import annotations

import numpy as np
import pytest

from miner.themes.embed import embed_texts
from miner.themes.naming import LONGEST_NAME, choose_name, clean_name, find_terms

MENU = [
    "Context menu is missing",
    "No context menu on right click",
    "The context menu does not open in version 2.53",
    "www.mouser.com - Context menu missing",
]
MEMORY = ["Memory leak", "Memory leak, severe usage", "memory leak after 2 hours"]
SUMMARIES = [*MENU, *MEMORY, "Something else"]
LABELS = np.array([0] * 4 + [1] * 3 + [-1])


def test_terms_set_a_theme_apart_and_share_no_word() -> None:
    menu, memory = find_terms(SUMMARIES, LABELS)
    assert menu[0] == "context menu"
    assert memory[0] == "memory leak"
    for terms in (menu, memory):
        words = [word for term in terms for word in term.split()]
        assert len(set(words)) == len(words)
        assert not any(character.isdigit() for term in terms for character in term)


def test_a_name_is_the_summary_of_a_typical_central_issue() -> None:
    assert choose_name(MENU, embed_texts(MENU), ["context menu"], set()) == "Context menu is missing"


def test_a_taken_name_is_not_given_again() -> None:
    vectors = embed_texts(MENU)
    taken = {"context menu is missing"}
    names = []
    for _ in range(8):
        names.append(choose_name(MENU, vectors, ["context menu", "right click"], taken))
        taken.add(names[-1].lower())
    assert len({name.lower() for name in names}) == 8
    assert "Context menu is missing (right click)" in names


def test_summaries_without_a_telling_word_fall_back_to_the_terms() -> None:
    summaries = ["It does not 123", "Why?", "not again"]
    assert choose_name(summaries, embed_texts(summaries), [], set()) == "Unnamed"
    assert choose_name(summaries, embed_texts(summaries), ["export", "csv"], set()) == "export · csv"


@pytest.mark.parametrize(
    ("summary", "name"),
    [
        ("www.a.nl - www.google.nl - design is broken.", "Design is broken"),
        ("Login on groupon.de fails", "Login on groupon.de fails"),
        ("  page \n is   blank ", "Page is blank"),
        ("<b>Export</b> fails", "<b>Export</b> fails"),
        ("https://a.b.com/x: page blank", "Page blank"),
    ],
)
def test_a_name_is_one_clean_line(summary: str, name: str) -> None:
    assert clean_name(summary) == name


def test_a_long_name_is_cut_between_words() -> None:
    name = clean_name("word " * 40)
    assert len(name) <= LONGEST_NAME
    assert name.endswith("word…")
