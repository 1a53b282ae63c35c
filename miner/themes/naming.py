"""Terms and names of themes without a language model, pure.

Terms are the words and pairs of words that set a theme apart: class-based TF-IDF (as in BERTopic, Grootendorst 2022)
over the number of issues that use them. A name is one of the theme's own summaries, the most typical of its central
ones: a sentence somebody wrote reads better than a row of words.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from miner.themes.words import split_terms

LONGEST_NAME = 70
_PAIR_BONUS = 1.15  # "context menu" says more than "menu"
_TYPICAL_SHARE = 0.5  # weight of typical words beside the cosine to the centre
_SPECIFIC = 0.08  # what a summary loses for being long, and for a number or an address in it
_DETAIL = re.compile(r"\d|://|\w\.\w")
_HOSTS = re.compile(r"^(?:\s*(?:https?://)?(?:[\w-]+\.)+[a-z]{2,6}(?:/\S*)?\s*[-–:]+\s+)+", re.I)


def find_terms(summaries: Sequence[str], labels: NDArray[np.int64], most: int = 5) -> list[list[str]]:
    """For each cluster its most distinctive terms, best first; no two of them share a word."""
    clusters = int(labels.max(initial=-1)) + 1
    using: list[Counter[str]] = [Counter() for _ in range(clusters)]
    everywhere: Counter[str] = Counter()
    for summary, label in zip(summaries, labels, strict=True):
        terms = _list_terms(summary)
        everywhere.update(terms)
        if label >= 0:
            using[label].update(terms)
    sizes = np.bincount(labels[labels >= 0], minlength=clusters)
    average = len(summaries) / max(1, clusters)
    return [_pick_terms(using[c], int(sizes[c]), everywhere, average, most) for c in range(clusters)]


def _list_terms(summary: str) -> set[str]:
    runs = split_terms(summary)
    pairs = {f"{first} {second}" for run in runs for first, second in pairwise(run)}
    return pairs.union(*runs)


def _pick_terms(using: Counter[str], size: int, everywhere: Counter[str], average: float, most: int) -> list[str]:
    def weight(term: str) -> float:
        bonus = _PAIR_BONUS if " " in term else 1.0
        return using[term] / size * math.log1p(average / everywhere[term]) * bonus

    shared = [term for term, count in using.items() if count >= 2] or list(using)
    picked: list[str] = []
    seen: set[str] = set()
    for term in sorted(shared, key=lambda term: (-weight(term), term)):
        stems = {word.rstrip("s") for word in term.split()}
        if not stems & seen:
            picked.append(term)
            seen |= stems
        if len(picked) == most:
            break
    return picked


def choose_name(
    summaries: Sequence[str], vectors: NDArray[np.float32], terms: Sequence[str], taken: Collection[str]
) -> str:
    """A name for the theme of these issues that differs from all `taken` (in lower case).

    `vectors` are the unit vectors of `summaries`, in the order of issue ids. Only the third nearest to the centre
    (at least 5, at most 20) can give the name; among them words that many of the theme's issues use count as well.
    """
    centre = vectors.mean(axis=0)
    nearness = vectors @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
    words = [{word for run in split_terms(summary) for word in run} for summary in summaries]
    using = Counter(word for found in words for word in found)
    score = [
        float(near)
        + _TYPICAL_SHARE * sum(using[word] for word in found) / len(summaries) / max(3, len(found))
        - _SPECIFIC * ((len(summary) > LONGEST_NAME) + bool(_DETAIL.search(summary)))
        for near, found, summary in zip(nearness, words, summaries, strict=True)
    ]
    central = np.argsort(-nearness, kind="stable")[: min(20, max(5, len(summaries) // 3))]
    ranked = sorted(central.tolist(), key=lambda index: -score[index])
    names = [clean_name(summaries[index]) for index in ranked if words[index]] + [" · ".join(terms[:3])]
    return _first_free([name for name in names if name] or ["Unnamed"], terms, taken)


def clean_name(summary: str) -> str:
    """A summary as a name: without a leading host, one line, at most 70 characters, cut between words."""
    name = " ".join(_HOSTS.sub("", summary[:1_000]).split()).strip(" -–:,.;")
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1].rsplit(" ", 1)[0].rstrip(" -–:,.;") + "…"
    return name[:1].upper() + name[1:]


def _first_free(names: Sequence[str], terms: Sequence[str], taken: Collection[str]) -> str:
    best = names[0]
    tries: Iterable[str] = [*names[:3], *(f"{best} ({term})" for term in terms if term not in best.lower())]
    for name in tries:
        if name.lower() not in taken:
            return name
    number = 2
    while f"{best} ({number})".lower() in taken:
        number += 1
    return f"{best} ({number})"
