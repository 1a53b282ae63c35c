"""Vectors in Postgres: each text is embedded once for each model and kept as little-endian float16."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, TEXT
from sqlalchemy.orm import Session

from miner.themes.dimensions import DIMENSIONS, MODEL_ID

Vectors = NDArray[np.float32]


def hash_text(one: str) -> str:
    """The key of a text in `embeddings`."""
    return hashlib.sha256(one.encode()).hexdigest()


def pack(vector: Vectors) -> bytes:
    """A vector as it is stored."""
    return vector.astype("<f2").tobytes()


def unpack(stored: Sequence[bytes]) -> NDArray[np.float16]:
    """Shape (len(stored), 384); kept as float16, since at 20,000 issues every copy counts."""
    return np.frombuffer(b"".join(stored), "<f2").reshape(-1, DIMENSIONS)


def embed_in_batches(texts: Iterable[str], *, size: int = 64) -> Iterator[dict[str, bytes]]:
    """Vectors of the distinct `texts`, short ones first, `size` at a time, as {hash: stored vector}."""
    from miner.themes import embed  # the model's libraries come with it, which whoever only reads does not need

    todo = sorted(set(texts), key=lambda one: (len(one), one))
    for start in range(0, len(todo), size):
        batch = todo[start : start + size]
        yield {hash_text(one): pack(vector) for one, vector in zip(batch, embed.embed_texts(batch), strict=True)}


def list_vectors(session: Session, *, hashes: Iterable[str]) -> dict[str, bytes]:
    """The stored vectors of those hashes that have one."""
    rows = session.execute(
        text("SELECT text_hash, vector FROM embeddings WHERE model = :model AND text_hash = ANY(:hashes)"),
        {"model": MODEL_ID, "hashes": list(hashes)},
    )
    return {row.text_hash: bytes(row.vector) for row in rows}


_RECORD = text("""
    INSERT INTO embeddings (model, text_hash, vector)
    SELECT :model, fresh.text_hash, fresh.vector FROM unnest(:hashes, :vectors) AS fresh (text_hash, vector)
    ON CONFLICT DO NOTHING""").bindparams(
    bindparam("hashes", type_=ARRAY(TEXT)), bindparam("vectors", type_=ARRAY(BYTEA))
)


def record_vectors(session: Session, *, vectors: Mapping[str, bytes]) -> None:
    """Store vectors; one that is there already stays as it is."""
    session.execute(_RECORD, {"model": MODEL_ID, "hashes": list(vectors), "vectors": list(vectors.values())})
