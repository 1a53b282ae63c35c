"""Finding a quote in the text it was taken from (pure).

A reader may straighten quotation marks, join lines or change case; what counts is that the words stand there. The
place that is returned is in the original text, and the original words there are the quote that is stored.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_QUOTES = dict.fromkeys("\"'`´‘’‚‛“”„‟‹›«»′″＂＇", '"')
_DASHES = dict.fromkeys("-‐‑‒–—―−﹣－", "-")
# Zero-width characters and soft hyphens are not seen, so they are not compared.
_UNSEEN = dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "")
_SAME = _QUOTES | _DASHES | _UNSEEN
# Marks that a reader puts around a quote.
_EDGES = re.compile(r"^(?:[\s\"'“”‘’«»…]|\.{3,})+|(?:[\s\"'“”‘’«»…]|\.{3,})+$")


def locate(quote: str, text: str, *, hint: int | None = None) -> tuple[int, int] | None:
    """[start, end) of `quote` in `text`: word for word, at `hint` if it stands there, else by its folded form.

    None: it does not stand there. Folded means: blanks joined, quotation marks and dashes of one kind, case and
    compatibility forms ignored (NFKD).
    """
    if not quote.strip():
        return None
    if hint is not None and hint >= 0 and text.startswith(quote, hint):
        return hint, hint + len(quote)
    start = text.find(quote)
    return (start, start + len(quote)) if start >= 0 else _locate_folded(quote, text)


def _locate_folded(quote: str, text: str) -> tuple[int, int] | None:
    wanted, _ = _fold(_EDGES.sub("", quote))
    wanted = wanted.strip()
    if not wanted:
        return None
    folded, origins = _fold(text)
    at = folded.find(wanted)
    return None if at < 0 else (origins[at], origins[at + len(wanted) - 1] + 1)


def _fold(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the index of the one it came from."""
    folded: list[str] = []
    origins: list[int] = []
    blank = True
    for index, character in enumerate(text):
        if character.isspace():
            if not blank:
                folded.append(" ")
                origins.append(index)
            blank = True
            continue
        for piece in _folded_character(character):
            folded.append(piece)
            origins.append(index)
            blank = False
    return "".join(folded), origins


@lru_cache(maxsize=4_096)
def _folded_character(character: str) -> str:
    if character in _SAME:
        return _SAME[character]
    pieces = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(_SAME.get(piece, piece) for piece in pieces if not piece.isspace())
