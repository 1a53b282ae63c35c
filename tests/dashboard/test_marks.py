"""Quotes in a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboard.marks import Piece, Quoted, cut_at_quotes

TEXT = "0123456789"


def test_a_text_without_quotes_is_one_piece() -> None:
    assert cut_at_quotes(TEXT, 2, 5, []) == [Piece("234")]
    assert cut_at_quotes(TEXT, 5, 5, []) == []


def test_a_quote_is_cut_out_at_its_offsets() -> None:
    assert cut_at_quotes(TEXT, 0, 10, [Quoted(7, 3, 5)]) == [Piece("012"), Piece("34", (7,), (7,)), Piece("56789")]


def test_overlapping_quotes_share_a_piece() -> None:
    found = cut_at_quotes(TEXT, 0, 10, [Quoted(1, 2, 6), Quoted(2, 4, 8)])
    assert [(piece.text, piece.issues, piece.first_of) for piece in found] == [
        ("01", (), ()),
        ("23", (1,), (1,)),
        ("45", (1, 2), (2,)),
        ("67", (2,), ()),
        ("89", (), ()),
    ]


def test_a_quote_that_crosses_an_end_is_marked_as_far_as_it_goes() -> None:
    assert cut_at_quotes(TEXT, 4, 8, [Quoted(1, 0, 6), Quoted(2, 7, 99)]) == [
        Piece("45", (1,), (1,)),
        Piece("6"),
        Piece("7", (2,), (2,)),
    ]


def test_offsets_count_characters_not_bytes() -> None:
    assert cut_at_quotes("a😀é!", 0, 4, [Quoted(1, 1, 3)]) == [Piece("a"), Piece("😀é", (1,), (1,)), Piece("!")]


@given(
    st.text(max_size=40),
    st.integers(-5, 50),
    st.integers(-5, 50),
    st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50)), max_size=6),
)
def test_pieces_always_make_up_the_text_and_each_quote_that_stands_in_it_begins_once(
    text: str, start: int, end: int, places: list[tuple[int, int]]
) -> None:
    quotes = [Quoted(number, left, right) for number, (left, right) in enumerate(places)]
    pieces = cut_at_quotes(text, start, end, quotes)
    low, high = max(0, start), min(len(text), end)
    assert "".join(piece.text for piece in pieces) == (text[low:high] if low < high else "")
    begun = [number for piece in pieces for number in piece.first_of]
    assert sorted(begun) == [
        quote.issue_id for quote in quotes if max(quote.start, low) < min(quote.end, high) and low < high
    ]
