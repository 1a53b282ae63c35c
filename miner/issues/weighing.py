"""How much each sentence speaks for each type, and which sentence is to be quoted (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from miner.issues.lexicon import lexicon
from miner.issues.sentences import Sentence
from miner.issues.taxonomy import TYPES

PLAIN = 3.0  # what a sentence must weigh to be an issue beside another one
PLAIN_WISH = 4.0  # "should" and "could" stand in reports of problems too
MOST_ISSUES = 3
WISH = "feature_request"

# What a sentence counts by the part it plays in a report: what was expected is the other side of the same problem.
_ROLE_WEIGHTS = {"actual": 1.5, "free": 1.0, "steps": 0.5, "facts": 0.5, "expected": 0.0, "noise": 0.0}
# Where somebody wrote "Actual results:", what follows is not what it should be, whatever its words.
_TOLD_AS_ACTUAL = 2.0
_ANOTHER = re.compile(
    r"\W*(?:another (?:\w+ )?(?:problem|issue|bug|thing|matter|question|request|wish)|second(?:ly|\W)|unrelated"
    r"|separately|on another note|apart from that|autre (?:problème|souci|chose|demande)|deuxièmement|par ailleurs)",
    re.I,
)
# A wish that only asks for the same problem to go away.
_SAME_MATTER = re.compile(
    r"\b(?:fix\w*|correct\w*|rectif\w*|resolv\w*|solv\w*|instead|this (?:issue|problem|bug)|corrig\w*|répar\w*)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A sentence and the weight of each type's cues in it."""

    sentence: Sentence
    weights: Mapping[str, float]

    def of(self, kind: str) -> float:
        return self.weights.get(kind, 0.0)


def weigh(sentence: Sentence, language: str, *, first_actual: bool = False) -> Weighed:
    """The weight of each type in `sentence`: each kind of cue counts at most twice, by the sentence's role."""
    role = _ROLE_WEIGHTS[sentence.role]
    if not role:
        return Weighed(sentence, {})
    words = lexicon(language)
    text = words.harmless.sub(" ", sentence.text)
    weights = {"bug": _TOLD_AS_ACTUAL} if first_actual else {}
    for rule in words.rules:
        found = {match.group().lower() for match in rule.pattern.finditer(text)}
        if found:
            weights[rule.type] = weights.get(rule.type, 0.0) + role * rule.weight * min(len(found), 2)
    return Weighed(sentence, weights)


def weigh_all(sentences: Sequence[Sentence], language: str) -> list[Weighed]:
    """Every sentence weighed; the first one told as what happened counts as a problem by its place."""
    first = next((one for one in sentences if one.role == "actual" and len(one.text.split()) > 2), None)
    return [weigh(one, language, first_actual=one is first) for one in sentences]


def strongest(weighed: Sequence[Weighed]) -> tuple[str, float]:
    """The type that weighs most over all sentences, and its weight; a tie goes to the one that TYPES names first."""
    totals = {kind: sum(one.of(kind) for one in weighed) for kind in TYPES}
    kind = max(TYPES, key=totals.__getitem__)
    return kind, totals[kind]


def speaker(weighed: Sequence[Weighed], kind: str, *, subject_end: int) -> Weighed:
    """The sentence to be quoted: the one that speaks most for `kind`, in a message rather than in the subject."""

    def rank(one: Weighed) -> tuple[bool, float, bool, int]:
        told = one.sentence.start >= subject_end and one.sentence.role in ("actual", "free")
        return one.of(kind) > 0, one.of(kind) if told else one.of(kind) / 2, told, -one.sentence.start

    return max(weighed, key=rank)


def others(weighed: Sequence[Weighed], main: Weighed, kind: str, *, subject_end: int) -> Iterator[tuple[Weighed, str]]:
    """Further issues in the messages: a plain wish beside a problem or the reverse, or what is said to be another."""
    body = [one for one in weighed if one.sentence.start >= subject_end]
    matters = list(accumulate(_ANOTHER.match(one.sentence.text) is not None for one in body))
    matter_of = dict(zip((one.sentence.start for one in body), matters, strict=True))
    seen = {(matter_of.get(main.sentence.start, 0), kind == WISH)}
    for one in body:
        other, weight = strongest([one])
        matter = matter_of[one.sentence.start]
        if one is main or one.sentence.role != "free" or weight < (PLAIN_WISH if other == WISH else PLAIN):
            continue
        if (matter, other == WISH) in seen or len(seen) == MOST_ISSUES or _SAME_MATTER.search(one.sentence.text):
            continue
        seen.add((matter, other == WISH))
        yield one, other


def confidence_of(weight: float) -> float:
    """How often rules of this weight tell problem, wish and neither apart, as `bench_local_types.py` measures it.

    Rounded down, since the nine types were not measured.
    """
    return next(share for least, share in _CONFIDENCE if weight >= least)


_CONFIDENCE = ((8.0, 0.9), (4.0, 0.85), (3.0, 0.7), (0.0, 0.65))
