from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from miner.issues.quotes import locate

TEXT = "Hello,\n\nThe app — “Pro” edition —  doesn’t   start.\nIt says: ﬁle\u00a0not found. STRASSE Straße."


@pytest.mark.parametrize(
    ("quote", "words"),
    [
        ("doesn’t   start", "doesn’t   start"),
        ("doesn't start", "doesn’t   start"),
        ('the APP - "pro" edition', "The app — “Pro” edition"),
        ("start. It says: file not found", "start.\nIt says: ﬁle\u00a0not found"),
        ("“doesn't start.”", "doesn’t   start."),
        ("...It says", "It says"),
        ("straße Strasse", "STRASSE Straße"),
    ],
)
def test_a_quote_is_found_though_it_was_straightened(quote: str, words: str) -> None:
    place = locate(quote, TEXT)
    assert place is not None
    assert TEXT[slice(*place)] == words


@pytest.mark.parametrize("quote", ["", "  ", "“”", "doesn't stop", "start It", "\u200b"])
def test_what_does_not_stand_there_is_not_found(quote: str) -> None:
    assert locate(quote, TEXT) is None


def test_the_place_where_it_was_seen_wins_over_the_first_one() -> None:
    assert locate("crash", "crash and crash") == (0, 5)
    assert locate("crash", "crash and crash", hint=10) == (10, 15)
    assert locate("crash", "crash and crash", hint=3) == (0, 5)


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=40), st.data())
def test_every_part_of_a_text_is_found_word_for_word(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    quote = text[start:end]
    assume(quote.strip())
    place = locate(quote, text, hint=start)
    assert place == (start, end)


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from("aé ﬁß'’“-—\n\t\u00adİ😀"), min_size=1, max_size=30), st.data())
def test_a_part_that_was_folded_is_found_in_the_original(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    quote = text[start : data.draw(st.integers(start, len(text)))]
    said = " ".join(unicodedata.normalize("NFKC", quote).replace("’", "'").replace("—", "-").split())
    place = locate(said, text)
    if said.strip("'\" “\u00ad"):
        assert place is not None
    if place is not None:
        assert 0 <= place[0] < place[1] <= len(text)


def test_the_longest_text_is_searched() -> None:
    text = "x" * 65_000 + " it’s  broken"
    assert locate("it's broken", text) == (65_001, 65_013)
