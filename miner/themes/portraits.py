"""What a theme says without a language model, pure: sentences, feedback points with counts, and quotes.

All of it is made of what customers wrote: the points are the theme's issues grouped more finely, each shown by its most
central issue; the quotes are central issues of different customers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from miner.themes.grouping import StoredVectors
from miner.themes.similarity import Vectors, join_similarities, weigh_words
from miner.themes.trees import cut_tree

MOST_ISSUES = 200  # the newest of a theme; a portrait is of what is said now
POINTS, QUOTES = 5, 3
_FINENESS = (1.0, 2.0, 4.0)  # tried until there are three points
_SHARE = 0.3
_CUT = 0.62  # the distance from which two points are distinct, at fineness 1


@dataclass(frozen=True)
class Voice:
    """An issue as its theme's portrait needs it; `customer` None: unknown."""

    id: int
    summary: str
    customer: int | None
    severe: bool = False


def portray(voices: Sequence[Voice], vectors: StoredVectors, terms: Sequence[str]) -> dict[str, Any]:
    """{"by": "terms", "sentences": [{text, issues}], "points": [{text, count, issue}], "quotes": [issue ids]}.

    `vectors` belong to `voices`, of which there is at least one. Every sentence and point names the issues it rests on;
    quotes are looked up when it is read, so that none outlives its ticket.
    """
    chosen = range(max(0, len(voices) - MOST_ISSUES), len(voices))
    people = [voices[row] for row in chosen]
    unit = vectors[list(chosen)].astype(np.float32)
    centre = unit.mean(axis=0)
    order = np.argsort(-(unit @ centre), kind="stable").tolist()
    points = _find_points(people, unit)
    return {
        "by": "terms",
        "sentences": _sentences(people, order, terms, points),
        "points": points,
        "quotes": _choose_quotes(people, order),
    }


def _find_points(people: Sequence[Voice], vectors: Vectors) -> list[dict[str, Any]]:
    """Three to five distinct things that are said, the most frequent first; fewer when fewer are said."""
    if len(people) < 2:
        return [_point(people[0], 1)]
    words = weigh_words([one.summary for one in people])
    alike = join_similarities(vectors @ vectors.T, (words @ words.T).toarray(), _SHARE)
    labels = np.zeros(len(people), np.int64)
    for fineness in _FINENESS:
        labels = cut_tree(alike, _CUT, fineness)
        if len(set(labels.tolist())) >= QUOTES:
            break
    found = []
    for label, count in Counter(labels.tolist()).most_common(POINTS):
        rows = np.flatnonzero(labels == label)
        best = rows[np.argmax(alike[np.ix_(rows, rows)].sum(axis=1))]
        found.append(_point(people[best], count))
    return found


def _point(one: Voice, count: int) -> dict[str, Any]:
    return {"text": one.summary, "count": count, "issue": one.id}


def _choose_quotes(people: Sequence[Voice], order: Sequence[int]) -> list[int]:
    """The most central issues of different customers; unknown customers only when the known ones do not suffice."""
    chosen: list[int] = []
    seen: set[int] = set()
    for row in order:
        customer = people[row].customer
        if customer is not None and customer not in seen and len(chosen) < QUOTES:
            seen.add(customer)
            chosen.append(people[row].id)
    unknown = [people[row].id for row in order if people[row].customer is None]
    return (chosen + unknown)[:QUOTES]


def _sentences(
    people: Sequence[Voice], order: Sequence[int], terms: Sequence[str], points: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What is said most, what else, and what it costs; each with the issues it rests on."""
    ids = [one.id for one in people]
    about = f", most of them about {', '.join(terms[:3])}" if terms else ""
    central = people[order[0]]
    found = [
        {"text": f"{len(people)} reports{about}; typical is: {central.summary}", "issues": [central.id]},
    ]
    if len(points) > 1:
        other = next((one for one in points if one["issue"] != central.id), points[1])
        count = other["count"]
        found.append({"text": f"{count} of them say: {other['text']}", "issues": [other["issue"]]})
    severe = [one.id for one in people if one.severe]
    if severe:
        found.append({"text": f"{len(severe)} of {len(ids)} are of high or critical severity.", "issues": severe[:10]})
    return found
