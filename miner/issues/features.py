"""A text as numbers for the linear model: words, pairs of words and pieces of words, each a bucket (pure).

Grams are hashed (CRC-32), so that no vocabulary, and with it no word of a training text, is needed to use the model.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Buckets = NDArray[np.int64]

BUCKETS = 1 << 18
LONGEST_TEXT = 2_000  # characters that count; what is wrong is said early
LARGEST_RULE, RULE_SCALE = 8.0, 4.0
_WORD = re.compile(r"\w+|[!?]+")
_PIECES = range(2, 6)


def words_of(text: str) -> Counter[int]:
    """How often each bucket of a word or of two neighbours occurs."""
    words = _words(text)
    return Counter([_bucket("w" + word) for word in words] + [_bucket(f"w{a} {b}") for a, b in pairwise(words)])


def pieces_of(text: str) -> Counter[int]:
    """How often each bucket of 2 to 5 neighbouring characters of a word, with its borders, occurs."""
    found: Counter[int] = Counter()
    for word, times in Counter(_words(text)).items():
        for bucket in _pieces(word):
            found[bucket] += times
    return found


def weigh_buckets(counts: Mapping[int, int], idf: Floats) -> tuple[Buckets, Floats]:
    """(buckets, weights): TF-IDF with damped counts, of length 1; buckets that the model never met are left out."""
    buckets = np.fromiter(counts, np.int64, len(counts))
    times = np.fromiter(counts.values(), np.float32, len(counts))
    weights = (1 + np.log(times)) * idf[buckets] if len(counts) else times
    kept = weights > 0
    length = float(np.sqrt((weights[kept] ** 2).sum()))
    return buckets[kept], (weights[kept] / (length or 1.0)).astype(np.float32)


def scale_rules(totals: Sequence[float]) -> Floats:
    """The weight of each type's cues as features, within bounds."""
    return (np.minimum(np.array(totals, np.float32), LARGEST_RULE) / RULE_SCALE).astype(np.float32)


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:LONGEST_TEXT].lower())


@lru_cache(maxsize=1 << 16)
def _pieces(word: str) -> tuple[int, ...]:
    padded = f" {word[:40]} "
    return tuple(
        _bucket("c" + padded[start : start + size])
        for size in _PIECES
        for start in range(max(1, len(padded) - size + 1))
    )


def _bucket(gram: str) -> int:
    return zlib.crc32(gram.encode("utf-8", "replace")) % BUCKETS
