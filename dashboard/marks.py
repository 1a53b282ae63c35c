"""Where quotes stand in a text: the text cut into pieces, each with the quotes that cover it (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Quoted:
    """A quote: the id of its issue and its half-open place in the text, in code points."""

    issue_id: int
    start: int
    end: int


@dataclass(frozen=True)
class Piece:
    """A stretch of text; `issues` are the quotes that cover it, `first_of` those that begin with it."""

    text: str
    issues: tuple[int, ...] = ()
    first_of: tuple[int, ...] = ()


def cut_at_quotes(text: str, start: int, end: int, quotes: Sequence[Quoted]) -> list[Piece]:
    """`text[start:end]` in pieces; quotes may overlap, touch, be empty, or reach beyond either end."""
    start, end = max(0, start), min(len(text), end)
    if start >= end:
        return []
    within = [quote for quote in quotes if max(quote.start, start) < min(quote.end, end)]
    edges = sorted({start, end, *(edge for quote in within for edge in (quote.start, quote.end) if start < edge < end)})
    pieces = []
    for left, right in pairwise(edges):
        covering = tuple(quote.issue_id for quote in within if quote.start <= left and right <= quote.end)
        beginning = tuple(quote.issue_id for quote in within if max(quote.start, start) == left)
        pieces.append(Piece(text[left:right], covering, beginning))
    return pieces
