"""The articles nearest to a ticket: by meaning (MiniLM) and by the words they share.

The model knows English best, words work in any language; a share of both is better than either for the titles of a
Help Center, which are short.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from miner.help_center.articles import Article, words_of
from miner.themes.embed import embed_texts
from miner.themes.vectors import embed_in_batches, hash_text, unpack

BY_MEANING = 0.6
# Characters of a ticket: for its words, and for its meaning, which costs about 20 ms of a core a ticket.
CHARACTERS, MEANT = 1_000, 300


class Nearest:
    """Finds the articles for many tickets; `vectors` are those that are stored, by hash."""

    def __init__(self, articles: Sequence[Article], vectors: Mapping[str, bytes]) -> None:
        self.articles = list(articles)
        known = dict(vectors)
        for batch in embed_in_batches(one.meaning for one in articles if hash_text(one.meaning) not in vectors):
            known |= batch
        self._vectors = unpack([known[hash_text(one.meaning)] for one in self.articles]).astype(np.float32)
        words = [words_of(f"{one.title} {one.section} {one.body}") for one in self.articles]
        counts = Counter(word for mine in words for word in mine)
        self._weight = {word: math.log(1 + len(self.articles) / count) for word, count in counts.items()}
        self._sizes = np.sqrt([max(1e-9, sum(self._weight[word] for word in mine)) for mine in words])
        self._places: dict[str, list[int]] = {}
        for place, mine in enumerate(words):
            for word in mine:
                self._places.setdefault(word, []).append(place)

    def find(self, texts: Sequence[str], *, most: int) -> list[list[Article]]:
        """For each text its `most` nearest articles, the best first; ties go by the articles' order."""
        cut = [text[:CHARACTERS] for text in texts]
        if not cut:
            return []
        found = []
        for text, row in zip(cut, embed_texts([text[:MEANT] for text in cut]) @ self._vectors.T, strict=True):
            scores = BY_MEANING * row + (1 - BY_MEANING) * self._shared(words_of(text))
            order = np.argsort(-scores.round(5), kind="stable")[:most]
            found.append([self.articles[place] for place in order])
        return found

    def _shared(self, asked: frozenset[str]) -> NDArray[np.float64]:
        """For each article 0..1: the weight of the words it shares with the ticket, rare ones counting more."""
        shared = np.zeros(len(self.articles))
        known = sorted(word for word in asked if word in self._weight)
        for word in known:
            shared[self._places[word]] += self._weight[word]
        mine = math.sqrt(max(1e-9, sum(self._weight[word] for word in known)))
        shares: NDArray[np.float64] = shared / (mine * self._sizes)
        return shares
