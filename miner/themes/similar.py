"""Similar issues and themes as suggestions, and search: themes by meaning, issues by their words.

A suggestion is never a link: on known duplicates of a public tracker the right one is among five in about 6 of 10
cases (`tests/benchmarks/bench_similar.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.themes.similarity import Vectors, join_similarities, weigh_words
from miner.themes.vectors import hash_text, list_vectors, unpack
from miner.themes.words import STOP_WORDS, split_words

MOST = 5
CANDIDATES = 300  # issues looked at more closely
SHARE = 0.3
_MOST_WORDS = 24


@dataclass(frozen=True)
class Suggestion:
    """An issue or theme, its summary or name, and how alike it is (a cosine, 1: the same)."""

    id: int
    title: str
    likeness: float


def rank(query: int, vectors: Vectors, texts: Sequence[str], *, most: int = MOST) -> list[tuple[int, float]]:
    """The rows most alike to row `query`, itself left out, by meaning and words together, as (row, likeness)."""
    words = weigh_words(texts)
    joined = join_similarities(vectors @ vectors[query], (words @ words[[query]].T).toarray().ravel(), SHARE)
    order = [row for row in np.argsort(-joined, kind="stable").tolist() if row != query]
    return [(row, float(joined[row])) for row in order[:most]]


def similar_issues(session: Session, issue_id: int, *, most: int = MOST) -> list[Suggestion]:
    """The issues of other tickets most like this one, of those in its theme or with words in common."""
    own = session.execute(
        text("SELECT id, ticket_id, theme_id, summary FROM issues WHERE id = :id"), {"id": issue_id}
    ).one_or_none()
    if own is None:
        raise NotFound("issue", issue_id)
    rows = session.execute(
        text("""
            (SELECT id, summary FROM issues
             WHERE retired_at IS NULL AND ticket_id <> :ticket
               AND to_tsvector('simple'::regconfig, summary || ' ' || quote) @@ to_tsquery('simple', :words)
             ORDER BY ts_rank(to_tsvector('simple'::regconfig, summary || ' ' || quote),
               to_tsquery('simple', :words)) DESC, id LIMIT :most)
            UNION
            (SELECT id, summary FROM issues
             WHERE retired_at IS NULL AND ticket_id <> :ticket AND theme_id = :theme
             ORDER BY occurred_at DESC, id DESC LIMIT :most)
            ORDER BY id"""),
        {"ticket": own.ticket_id, "theme": own.theme_id, "words": any_word(own.summary), "most": CANDIDATES},
    ).all()
    texts = [own.summary, *(row.summary for row in rows)]
    stored = list_vectors(session, hashes={hash_text(one) for one in texts})
    if hash_text(own.summary) not in stored:
        return []
    known = [(0, own.summary)] + [(row.id, row.summary) for row in rows if hash_text(row.summary) in stored]
    vectors = unpack([stored[hash_text(summary)] for _, summary in known]).astype(np.float32)
    found = rank(0, vectors, [summary for _, summary in known], most=most)
    return [Suggestion(known[row][0], known[row][1], likeness) for row, likeness in found]


def any_word(summary: str) -> str:
    """A tsquery that asks for any of the telling words; words alone, so nothing in it is an operator."""
    telling = dict.fromkeys(word for word in split_words(summary) if word not in STOP_WORDS)
    parts = [part for word in telling for part in word.replace("’", "'").replace("'", " ").replace(".", " ").split()]
    return " | ".join(parts[:_MOST_WORDS])


def similar_themes(session: Session, theme_id: int, *, most: int = MOST) -> list[Suggestion]:
    """The living themes whose centres are nearest to this one's."""
    themes, centres = _list_centres(session)
    place = next((row for row, (one, _) in enumerate(themes) if one == theme_id), None)
    if place is None:
        return []
    return [one for one in _nearest(themes, centres, centres[place], most + 1) if one.id != theme_id][:most]


def search_themes(session: Session, *, vector: NDArray[np.float32], most: int = 20) -> list[Suggestion]:
    """Living themes by meaning, the nearest first; `vector` is the query's, from `embed_texts` before any session."""
    themes, centres = _list_centres(session)
    return _nearest(themes, centres, vector, most)


def _list_centres(session: Session) -> tuple[list[tuple[int, str]], Vectors]:
    rows = session.execute(
        text("SELECT id, name, centroid FROM themes WHERE retired_at IS NULL AND centroid IS NOT NULL ORDER BY id")
    ).all()
    centres = unpack([bytes(row.centroid) for row in rows]).astype(np.float32)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    return [(row.id, row.name) for row in rows], centres


def _nearest(
    themes: Sequence[tuple[int, str]], centres: Vectors, vector: NDArray[np.float32], most: int
) -> list[Suggestion]:
    alike = centres @ vector
    order = np.argsort(-alike, kind="stable")[:most].tolist()
    return [Suggestion(themes[row][0], themes[row][1], float(alike[row])) for row in order]
