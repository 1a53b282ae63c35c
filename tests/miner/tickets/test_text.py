from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from miner.tickets.text import build_text, clean, clean_line

# Everything a source can send: NUL, lone surrogates, every newline, characters beyond the basic plane.
anything = st.text(st.characters(codec=None), max_size=60) | st.sampled_from(
    ["\x00", "\ud800", "a\r\nb", "😀", " \u2028 "]
)


@settings(deadline=None, derandomize=True)
@given(anything, st.lists(st.tuples(st.booleans(), anything), max_size=6))
def test_every_public_message_stands_at_its_place_and_no_private_one_does(
    subject: str, messages: list[tuple[bool, str]]
) -> None:
    subject = clean_line(subject)
    cleaned = [(public, clean(body)) for public, body in messages]
    built = build_text(subject, cleaned)
    for (public, body), place in zip(cleaned, built.places, strict=True):
        assert (place is None) == (not public or not body)
        if place:
            assert built.text[slice(*place)] == body
    assert built.text == "\n\n".join([part for part in [subject, *(b for p, b in cleaned if p)] if part])
    assert built.text_hash == hashlib.sha256(built.text.encode()).hexdigest()


@settings(deadline=None, derandomize=True)
@given(anything)
def test_a_clean_text_can_be_stored_and_is_left_as_it_is(value: str) -> None:
    cleaned = clean(value)
    assert "\x00" not in cleaned
    assert "\r" not in cleaned
    assert cleaned.encode("utf-8").decode() == cleaned
    assert clean(cleaned) == cleaned


def test_a_pair_of_surrogates_that_makes_a_character_is_kept() -> None:
    assert clean("\ud83d😀\ude00") == "😀"


def test_offsets_count_code_points() -> None:
    built = build_text("😀", [(True, "żółw"), (False, "secret"), (True, "x")])
    assert built.text == "😀\n\nżółw\n\nx"
    assert built.places == ((3, 7), None, (9, 10))


def test_a_ticket_without_words_has_an_empty_text() -> None:
    assert build_text("", [(True, ""), (False, "note")]).text == ""


def test_the_longest_body_keeps_its_place() -> None:
    body = "é" * 65_000
    assert build_text("s", [(True, body)]).places == ((3, 65_003),)
