"""The local analyzer: rules in English and French, no model, no network (pure).

It splits the customer's messages into sentences, weighs the cues of each type in them, and answers with the sentence
that speaks most for the strongest type as the quote. It is conservative: one issue for most tickets, none where no
sentence carries a problem, a wish or a question, a second one only where it is plainly another matter.

    python -m miner.issues.local --in texts.csv --out types.csv      (columns id,text -> id,type,confidence,quote)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

from miner.issues.answer import Finding, Reading, TicketText, shorten
from miner.issues.language import guess_language
from miner.issues.sentences import LONGEST, Sentence, split
from miner.issues.severity import find_severity
from miner.issues.skips import skip_reason
from miner.issues.subjects import informative, task_kind
from miner.issues.taxonomy import area_finder
from miner.issues.weighing import ENOUGH, PLAIN_WISH, confidence_of, others, speaker, strongest, weigh_all

LOCAL_VERSION = "local-rules-1"

_NOTHING = "no sentence carries a problem, a wish or a question about the product"
_UNKNOWN_LANGUAGE = 0.2  # confidence: the type is not known at all
_TASK = 0.5  # confidence: known by its subject alone, not measured


class LocalAnalyzer:
    """Reads by rules; `areas` are the settings' areas, each with the words that show it."""

    name = "local"
    model = LOCAL_VERSION

    def __init__(self, areas: Mapping[str, list[str]] | None = None) -> None:
        self._find_area = area_finder(areas or {})

    def read(self, tickets: Sequence[TicketText]) -> Iterator[Reading]:
        for ticket in tickets:
            yield self.read_one(ticket)

    def read_one(self, ticket: TicketText) -> Reading:
        reason = skip_reason(ticket)
        if reason:
            return Reading(ticket.id, "skipped", reason)
        findings = tuple(self._findings(ticket))
        return Reading(ticket.id, "issues", findings=findings) if findings else Reading(ticket.id, "no_issue", _NOTHING)

    def _findings(self, ticket: TicketText) -> Iterator[Finding]:
        subject, body = _sentences(ticket)
        language = guess_language(ticket.text)
        if language == "other":
            # A language that the rules do not know: that somebody wrote is all that can be said.
            if said := body or subject:
                yield self._finding(ticket, "other", said[0], confidence=_UNKNOWN_LANGUAGE)
            return
        weighed = weigh_all(subject + body, language)
        kind, weight = strongest(weighed)
        task = task_kind(ticket.subject[:LONGEST])
        if task and strongest(weighed[len(subject) :])[1] < PLAIN_WISH:
            # Its subject names what is to be done, in the words of the problem that ends with it: no evidence of one.
            main = speaker(weighed, task, subject_end=ticket.subject_end)
            yield self._finding(ticket, task, main.sentence, confidence=_TASK, assess=False)
            return
        if weight < ENOUGH:
            return
        main = speaker(weighed, kind, subject_end=ticket.subject_end)
        yield self._finding(ticket, kind, main.sentence, confidence=confidence_of(weight))
        for other, other_kind in others(weighed, main, kind, subject_end=ticket.subject_end):
            yield self._finding(
                ticket,
                other_kind,
                other.sentence,
                confidence=confidence_of(other.of(other_kind)),
                summary=other.sentence.text,
            )

    def _finding(
        self,
        ticket: TicketText,
        kind: str,
        sentence: Sentence,
        *,
        confidence: float,
        summary: str | None = None,
        assess: bool = True,
    ) -> Finding:
        """The finding that `sentence` shows; `summary` None: the subject speaks for it where it says something."""
        passages = [sentence.text] if summary else [sentence.text, ticket.subject[:LONGEST]]
        severity, phrase = find_severity(*passages) if assess else ("medium", None)
        return Finding(
            type=kind,
            summary=shorten(summary or informative(ticket.subject[:LONGEST]) or sentence.text),
            quote=sentence.text,
            area=self._find_area(summary or ticket.text),
            severity=severity,
            severity_phrase=phrase,
            confidence=confidence,
            quote_hint=sentence.start,
        )


def _sentences(ticket: TicketText) -> tuple[list[Sentence], list[Sentence]]:
    """(the subject as one sentence, the customer's sentences that are not noise)."""
    line = ticket.subject[:LONGEST]
    subject = [Sentence(0, len(line), "free", line)] if line.strip() else []
    body = [
        sentence
        for passage in ticket.passages
        if passage.author_kind != "agent"
        for sentence in split(ticket.text, passage.start, passage.end)
        if sentence.role != "noise"
    ]
    return subject, body


if __name__ == "__main__":
    from miner.issues.classify import main

    sys.exit(main())
