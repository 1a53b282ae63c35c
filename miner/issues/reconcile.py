"""Which issue of a ticket is which, when the ticket is read again (pure).

An answer is matched to an issue that is there by its quote, then by type and summary. The matched issue keeps its id,
its theme and what people corrected; an issue that is no longer found is retired, never deleted, and revived when it is
found again. What a person set aside stays so, and what a person marked is there whether or not a reading finds it.
The same answers twice change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from miner.issues.answer import Located

NOT_FOUND = "a later reading no longer found it"
TAKEN_BACK = "the reading that found it was taken back"
NOT_AN_ISSUE = "not an issue"
READ_AWAY = (NOT_FOUND, TAKEN_BACK)  # reasons of readings: being found again revives; all others are people's
MARKED = "missed"  # the name in `edited` of an issue that a person marked where the readings saw none

_SAME_SUMMARY = 0.6  # share of common words at which two summaries of one type mean the same
_ANY_TYPE = 0.85  # and at which the type may differ


@dataclass(frozen=True, slots=True)
class Known:
    """An issue as it is stored; `edited` are the fields a person corrected."""

    id: int
    type: str
    summary: str
    quote: str
    start: int | None
    end: int | None
    text_hash: str
    retired_reason: str | None = None
    edited: Collection[str] = ()

    @property
    def set_aside(self) -> bool:
        """Retired for another reason than that a reading did not find it."""
        return self.retired_reason not in (None, *READ_AWAY)

    @property
    def marked(self) -> bool:
        """A person marked it, so no reading retires it."""
        return MARKED in self.edited


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: matched pairs (issue, answer), answers that are new, issues that are to be retired."""

    matched: tuple[tuple[Known, Located], ...]
    new: tuple[Located, ...]
    gone: tuple[Known, ...]


def reconcile(known: Sequence[Known], found: Sequence[Located], *, text_hash: str) -> Plan:
    """Match `found`, read in the text of `text_hash`, to the ticket's `known` issues, the best pairs first."""
    pairs = sorted(
        (-score, issue.retired_reason is not None, issue.id, place)
        for issue in known
        for place, answer in enumerate(found)
        if (score := _likeness(issue, answer, text_hash)) > 0
    )
    by_id = {issue.id: issue for issue in known}
    answer_of: dict[int, int] = {}
    for _, _, issue_id, place in pairs:
        if issue_id not in answer_of and place not in answer_of.values():
            answer_of[issue_id] = place
    return Plan(
        matched=tuple((by_id[issue_id], found[place]) for issue_id, place in sorted(answer_of.items())),
        new=tuple(answer for place, answer in enumerate(found) if place not in answer_of.values()),
        gone=tuple(
            issue for issue in known if issue.id not in answer_of and issue.retired_reason is None and not issue.marked
        ),
    )


def _likeness(issue: Known, answer: Located, text_hash: str) -> float:
    """Above 2: the same words; above 1: overlapping ones; else how alike the summaries are; 0: not the same."""
    if issue.quote == answer.finding.quote:
        return 2 + _overlap(issue, answer)
    if issue.text_hash == text_hash and (share := _overlap(issue, answer)) > 0:
        return 1 + share
    alike = _common_words(issue.summary, answer.finding.summary)
    least = _SAME_SUMMARY if issue.type == answer.finding.type else _ANY_TYPE
    return alike if alike >= least else 0.0


def _overlap(issue: Known, answer: Located) -> float:
    """The common part of the two quotes, as a share of the shorter one."""
    if issue.start is None or issue.end is None or answer.place is None:
        return 0.0
    start, end = answer.place
    common = min(issue.end, end) - max(issue.start, start)
    return max(0.0, common / max(1, min(issue.end - issue.start, end - start)))


def _common_words(one: str, other: str) -> float:
    """Jaccard's index of the words of two lines."""
    left, right = set(_words(one)), set(_words(other))
    return len(left & right) / len(left | right) if left | right else 0.0


def _words(line: str) -> Iterator[str]:
    return (word.group() for word in re.finditer(r"\w+", line.lower()))
