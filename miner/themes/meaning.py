"""Searching themes by meaning without the sentence model, for processes that cannot afford its memory (170 MB).

The vectors of the issues that use the words asked for were stored when they were grouped. Their mean says what the
words are about, and the themes whose centres are nearest to it are close in meaning, whatever they are called.
"""

from __future__ import annotations

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.themes.similar import Suggestion, any_word, search_themes
from miner.themes.vectors import hash_text, list_vectors, unpack

HEARD = 30  # issues whose vectors count, those that use the words most
LEAST = 0.3  # cosine: below it, centres of unrelated themes are found


def search_by_meaning(session: Session, *, words: str, most: int = 10) -> list[Suggestion]:
    """The living themes nearest to what issues with these words say, the nearest first; none when none uses them."""
    asked = any_word(words)
    if not asked:
        return []
    rows = session.execute(
        text("""
            SELECT summary, ts_rank(to_tsvector('simple'::regconfig, summary || ' ' || quote), asked) AS rank
            FROM issues, to_tsquery('simple', :words) AS asked
            WHERE retired_at IS NULL AND to_tsvector('simple'::regconfig, summary || ' ' || quote) @@ asked
            ORDER BY rank DESC, id DESC LIMIT :most"""),
        {"words": asked, "most": HEARD},
    ).all()
    stored = list_vectors(session, hashes={hash_text(row.summary) for row in rows}) if rows else {}
    heard = [(stored[key], row.rank) for row in rows if (key := hash_text(row.summary)) in stored]
    if not heard:
        return []
    vectors = unpack([vector for vector, _ in heard]).astype(np.float32)
    mean = np.average(vectors, axis=0, weights=np.array([rank for _, rank in heard], np.float32))
    mean /= max(float(np.linalg.norm(mean)), 1e-9)
    found = search_themes(session, vector=mean.astype(np.float32), most=most)
    return [one for one in found if one.likeness >= LEAST]
