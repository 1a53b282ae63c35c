"""Drawing at random, and shares with the interval that the number of looks allows (pure).

Method: the score interval of Wilson (1927), 95 %: it stays within 0..1 and means something for few looks, which the
textbook interval does not.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection
from dataclasses import dataclass

Z = 1.959964  # two-sided 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of` looks; `value`, `low` and `high` are None where nobody looked."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def low(self) -> float | None:
        return wilson(self.hits, self.of)[0] if self.of else None

    @property
    def high(self) -> float | None:
        return wilson(self.hits, self.of)[1] if self.of else None

    def sentence(self, word: str, looks: str = "checked") -> str:
        """`94 % right, 89 to 97, 160 checked`; `right: not checked yet`."""
        if not self.of:
            return f"{word}: not {looks} yet"
        low, high = wilson(self.hits, self.of)
        return f"{100 * self.hits / self.of:.0f} % {word}, {100 * low:.0f} to {100 * high:.0f}, {self.of:,} {looks}"


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, `of` > 0."""
    share, square = hits / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    # At the ends the bound is the end itself; floating point would miss it by a hair.
    return (0.0 if hits == 0 else max(0.0, middle - half)), (1.0 if hits == of else min(1.0, middle + half))


def draw(ids: Collection[int], count: int, *, seed: int) -> list[int]:
    """`count` of `ids`, or all of them, in random order: the same for the same ids and seed."""
    pool = sorted(set(ids))
    return random.Random(seed).sample(pool, min(count, len(pool)))  # noqa: S311 - no secret: it can be repeated


def by_chance(better: int, worse: int) -> float:
    """The probability of a difference at least as large between two readers of the same cases, if they are alike.

    McNemar's test, two-sided, exact below 1,000: of the cases that only one of them had right, `better` and `worse`.
    """
    of = better + worse
    if of >= 1_000:
        return math.erfc(abs(better - worse) / math.sqrt(2 * of))
    tail = sum(math.comb(of, k) for k in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / float(2**of))
