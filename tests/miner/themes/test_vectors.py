from __future__ import annotations

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.themes.embed import embed_texts
from miner.themes.vectors import embed_in_batches, hash_text, list_vectors, record_vectors, unpack


def test_batches_hold_each_text_once_and_what_a_direct_call_gives() -> None:
    texts = [f"Export {number} fails" for number in range(5)] * 2
    batches = list(embed_in_batches(texts, size=2))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    merged = {key: vector for batch in batches for key, vector in batch.items()}
    assert np.array_equal(unpack([merged[hash_text(one)] for one in texts]), embed_texts(texts))


def test_a_stored_vector_is_read_back_and_never_replaced(session: Session) -> None:
    key = hash_text("Export fails")
    first, second = np.zeros(384, "<f2").tobytes(), np.ones(384, "<f2").tobytes()
    record_vectors(session, vectors={key: first})
    record_vectors(session, vectors={key: second, hash_text("Other"): second})
    assert list_vectors(session, hashes=[key, hash_text("unknown")]) == {key: first}


def test_vectors_of_another_model_are_not_mixed_in(session: Session) -> None:
    key = hash_text("Export fails")
    session.execute(
        text("INSERT INTO embeddings VALUES ('another', :key, :vector)"), {"key": key, "vector": b"\0" * 768}
    )
    assert list_vectors(session, hashes=[key]) == {}
