"""The linear model behind the local analyzer: problem, wish or neither, from plain arrays scored with numpy (pure).

Its weights were trained by `scripts/train_local.py`; `model/README.md` says on what.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np

from miner.errors import ModelDamaged
from miner.issues.features import Floats, pieces_of, weigh_buckets, words_of
from miner.issues.taxonomy import TYPES

KINDS = ("bug", "feature", "other")
Embed = Callable[[Sequence[str]], Floats]

PULL = 1.2  # what full cues add to the score of their kind, beside what reviews teach: a ticket is not a review
_WISH, _NEITHER = (list(TYPES).index(name) for name in ("feature_request", "other"))

# Whose vectors `meaning` was trained on; others need other weights.
MEANINGS_OF = "all-MiniLM-L6-v2-int8-128-words"
WEIGHTS_SHA256 = "7281e6e4a81991fda951f71ded807fce21f8fe41de5220a3c49f8cb78cecbd53"
_ARRAYS = ("word_idf", "piece_idf", "words", "pieces", "meaning", "rules", "bias", "sharpness", "lean")


@dataclass(frozen=True)
class Linear:
    """Idf of shape (BUCKETS,), coefficients of shape (features, 3); `sharpness` and `lean` turn scores into
    true chances."""

    word_idf: Floats
    piece_idf: Floats
    words: Floats
    pieces: Floats
    meaning: Floats  # 384 numbers of the sentence model
    rules: Floats  # one for each type
    bias: Floats
    sharpness: Floats
    lean: Floats

    def score_words(self, text: str) -> Floats:
        """What the words of `text` alone say for each of KINDS; comparable within one text."""
        score = np.zeros(len(KINDS), np.float32)
        for counts, idf, coefficients in (
            (words_of(text), self.word_idf, self.words),
            (pieces_of(text), self.piece_idf, self.pieces),
        ):
            buckets, weights = weigh_buckets(counts, idf)
            score += weights @ coefficients[buckets]
        return score

    def score(self, texts: Sequence[str], meanings: Floats, rules: Floats) -> Floats:
        """Shape (texts, 3): how much speaks for each of KINDS; the highest is the answer."""
        scores = np.array([self.score_words(text) for text in texts]) + meanings @ self.meaning
        found: Floats = scores + rules @ self.rules + self.bias + pull(rules)
        return found

    def chances(self, scores: Floats) -> Floats:
        """The chance of each of KINDS, calibrated on an app that was not trained on.

        Training lets rare kinds count for more, so that they are found; `lean` takes that back.
        """
        leaning = scores * self.sharpness + self.lean
        powers = np.exp(leaning - leaning.max(axis=1, keepdims=True))
        found: Floats = powers / powers.sum(axis=1, keepdims=True)
        return found


def pull(rules: Floats) -> Floats:
    """What plain cues add to the scores, shape (texts, 3); at half of the scale they are full."""
    problems = rules.sum(axis=1) - rules[:, _WISH] - rules[:, _NEITHER]
    wishes = rules[:, _WISH]
    found: Floats = np.stack([np.minimum(problems, 1), np.minimum(wishes, 1), np.zeros_like(wishes)], axis=1)
    return (PULL * found).astype(np.float32)


def read_weights(content: bytes) -> Linear:
    """Raises ModelDamaged unless `content` holds every array."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            return Linear(**{name: arrays[name].astype(np.float32) for name in _ARRAYS})
    except (ValueError, OSError, KeyError) as error:
        raise ModelDamaged(f"the weights of the local analyzer cannot be read ({error}): install again") from None


@cache
def load() -> Linear:
    """The shipped weights; raises ModelDamaged when they are not those that were tested."""
    try:
        content = files("miner.issues").joinpath("model", "types.npz").read_bytes()
    except OSError as error:
        raise ModelDamaged(f"miner/issues/model/types.npz cannot be read ({error.strerror}): install again") from None
    found = hashlib.sha256(content).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ModelDamaged(f"miner/issues/model/types.npz is not what was tested (SHA-256 {found}): install again")
    return read_weights(content)
