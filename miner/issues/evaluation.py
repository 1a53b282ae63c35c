"""What a reader is worth on a labelled set, and which of two is better (pure).

Every measure is a share of cases with its interval; two readers are compared on the cases that both were asked, by
those that only one of them had right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from miner.issues.answer import Located, Reading
from miner.issues.labels import Case, Label
from miner.issues.shares import Share, by_chance

MEASURES = {
    "tickets": "issue or none, right",
    "found": "labelled issues found",
    "right": "findings that are labelled",
    "type": "type right, of those found",
    "area": "area right, of those found",
    "severity": "severity right, of those found",
    "quotes": "quotes that stand in the text",
}
Answer = tuple[Reading, tuple[Located, ...]]


@dataclass
class Result:
    """How one reader did: for each measure {what was asked: whether it was right}; what it cost; what failed."""

    name: str
    marks: dict[str, dict[tuple[str, int], bool]] = field(default_factory=lambda: {name: {} for name in MEASURES})
    failed: int = 0
    dollars: Decimal | None = Decimal(0)  # None: a call's cost is unknown

    def share(self, measure: str) -> Share:
        marks = self.marks[measure]
        return Share(sum(marks.values()), len(marks))


@dataclass(frozen=True, slots=True)
class Difference:
    """Of the cases both were asked: those that only the second had right, those that only the first had."""

    better: int
    worse: int

    @property
    def chance(self) -> float:
        return by_chance(self.better, self.worse)


def evaluate(name: str, cases: Sequence[Case], answers: Mapping[str, Answer]) -> Result:
    """Mark `answers`, {case: its checked reading}, by the labels. A ticket that was not read is wrong, not left out."""
    result = Result(name)
    for case in cases:
        reading, found = answers.get(case.key, (None, ()))
        read = reading is not None and reading.outcome != "failed"
        result.failed += not read
        _mark(result, case, found, read=read)
    return result


def differences(first: Result, second: Result) -> dict[str, Difference]:
    """For each measure but those whose cases are a reader's own findings."""
    found = {}
    for measure in MEASURES:
        both = first.marks[measure].keys() & second.marks[measure].keys()
        if measure not in ("right", "quotes"):
            pairs = [(first.marks[measure][one], second.marks[measure][one]) for one in both]
            found[measure] = Difference(pairs.count((False, True)), pairs.count((True, False)))
    return found


def _mark(result: Result, case: Case, found: Sequence[Located], *, read: bool) -> None:
    marks, matched = result.marks, _match(case.labels, found)
    label_of = {answer: case.labels[place] for place, answer in matched}
    answer_of = dict(matched)
    for place, one in enumerate(found):
        marks["quotes"][case.key, place] = one.place is not None
        if place in label_of or case.complete:
            marks["right"][case.key, place] = place in label_of and label_of[place].issue
    for place, label in enumerate(case.labels):
        if label.issue:
            marks["found"][case.key, place] = place in answer_of
        if label.issue and place in answer_of:
            finding = found[answer_of[place]].finding
            for name in label.fields:
                marks[name][case.key, place] = (getattr(finding, name) or None) == (label.fields[name] or None)
    if case.has_issue is not None:
        marks["tickets"][case.key, 0] = read and bool(found) == case.has_issue


def _match(labels: Sequence[Label], found: Sequence[Located]) -> list[tuple[int, int]]:
    """(label, finding) whose words overlap, those that share the most first, each once."""
    pairs = sorted(_overlaps(labels, found), reverse=True)
    taken: list[tuple[int, int]] = []
    for _, label, finding in pairs:
        if all(label != one and finding != other for one, other in taken):
            taken.append((label, finding))
    return taken


def _overlaps(labels: Sequence[Label], found: Sequence[Located]) -> Iterable[tuple[int, int, int]]:
    for place, label in enumerate(labels):
        for other, one in enumerate(found):
            if one.place is not None:
                common = min(label.place[1], one.place[1]) - max(label.place[0], one.place[0])
                if common > 0:
                    yield common, place, other
