"""The sentence model's name and size, apart from the model: what only reads stored vectors loads no model (170 MB)."""

from __future__ import annotations

MODEL_ID = (
    "all-MiniLM-L6-v2-int8-128-words"  # stands in `embeddings.model`; change it with anything that changes a vector
)
DIMENSIONS = 384
