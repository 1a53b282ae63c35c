"""The local analyzer: rules and a small linear model in English and French, no network (pure but for the weights).

It splits the customer's messages into sentences and weighs the cues of each type in them. A linear model, to which the
cues are features beside words and meaning, tells problem, wish and neither apart and how sure that is; the cues tell
which of the nine types it is, and which sentence is quoted. It is conservative: one issue for most tickets, none
where no sentence carries a problem, a wish or a question, a second one only where it is plainly another matter.

    python -m miner.issues.local --in texts.csv --out types.csv      (columns id,text -> id,type,confidence,quote)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from miner.issues.answer import Finding, Passage, Reading, TicketText, shorten
from miner.issues.features import Floats, scale_rules
from miner.issues.language import guess_language
from miner.issues.linear import KINDS, Embed, Linear, load
from miner.issues.readers import LOCAL_VERSION
from miner.issues.sentences import LONGEST, Sentence, split
from miner.issues.settling import LEAST_SURE, Opinion, most_telling, settle
from miner.issues.severity import find_severity
from miner.issues.skips import skip_reason
from miner.issues.subjects import informative, task_kind
from miner.issues.taxonomy import TYPES, UNCLEAR, area_finder
from miner.issues.weighing import PLAIN_WISH, Weighed, confidence_of, others, speaker, strongest, weigh_all

LONGEST_GIST = 300  # characters
_NOTHING = "no sentence carries a problem, a wish or a question about the product"
_UNKNOWN_LANGUAGE = 0.2  # confidence: the type is not known at all
_TASK = 0.5  # confidence: known by its subject alone, not measured


class LocalAnalyzer:
    """Reads by rules and a linear model; `areas` are the settings' areas, each with the words that show it."""

    name = "local"
    model = LOCAL_VERSION

    def __init__(
        self, areas: Mapping[str, list[str]] | None = None, *, embed: Embed | None = None, linear: Linear | None = None
    ) -> None:
        """`embed` and `linear` None: the models that are shipped, loaded when the first ticket is read."""
        self._find_area = area_finder(areas or {})
        self._embed, self._linear = embed or embed_with_model, linear

    @property
    def linear(self) -> Linear:
        return self._linear or load()

    def read(self, tickets: Sequence[TicketText]) -> Iterator[Reading]:
        """In the order given; what the model is asked is asked for all of them at once."""
        skipped = {place: reason for place, ticket in enumerate(tickets) if (reason := skip_reason(ticket))}
        heard = {place: hear(ticket) for place, ticket in enumerate(tickets) if place not in skipped}
        asked = {place: one for place, one in heard.items() if one.language != "other" and one.text}
        opinions = dict(zip(asked, self._ask(list(asked.values())), strict=True))
        for place, ticket in enumerate(tickets):
            if place in skipped:
                yield Reading(ticket.id, "skipped", skipped[place])
                continue
            findings = tuple(self._findings(ticket, heard[place], opinions.get(place)))
            yield (
                Reading(ticket.id, "issues", findings=findings)
                if findings
                else Reading(ticket.id, "no_issue", _NOTHING)
            )

    def read_one(self, ticket: TicketText) -> Reading:
        return next(self.read([ticket]))

    def _ask(self, heard: Sequence[Heard]) -> list[Opinion]:
        if not heard:
            return []
        texts, meanings = [one.text for one in heard], self._embed([one.gist for one in heard])
        scores = self.linear.score(texts, meanings, np.array([one.rules for one in heard]))
        chances = np.round(self.linear.chances(scores).astype(float), 3).tolist()
        return [Opinion(KINDS[int(best)], *row) for best, row in zip(scores.argmax(axis=1), chances, strict=True)]

    def _findings(self, ticket: TicketText, heard: Heard, opinion: Opinion | None) -> Iterator[Finding]:
        weighed, subject_end = heard.weighed, ticket.subject_end
        if heard.language == "other":
            # A language that the analyzer does not know: that somebody wrote is all that can be said.
            if weighed:
                said = weighed[heard.in_subject if len(weighed) > heard.in_subject else 0]
                yield self._finding(ticket, UNCLEAR, said.sentence, confidence=_UNKNOWN_LANGUAGE)
            return
        if opinion is None:
            return
        task = task_kind(ticket.subject[:LONGEST])
        if task and strongest(weighed[heard.in_subject :])[1] < PLAIN_WISH:
            # Its subject names what is to be done, in the words of the problem that ends with it: no evidence of one.
            main = speaker(weighed, task, subject_end=subject_end)
            yield self._finding(ticket, task, main.sentence, confidence=_TASK, assess=False)
            return
        kind, confidence = settle(weighed, opinion)
        if kind is None:
            return
        main = speaker(weighed, kind, subject_end=subject_end)
        if not main.of(kind):  # no rule speaks for it: the words do
            main = most_telling(self.linear, weighed, kind, subject_end=subject_end)
        kind_said = kind if confidence >= LEAST_SURE else UNCLEAR
        yield self._finding(ticket, kind_said, main.sentence, confidence=confidence)
        for other, other_kind in others(weighed, main, kind, subject_end=subject_end):
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


@dataclass(frozen=True, slots=True)
class Heard:
    """What the customer says: the sentences, the subject's first, weighed, and joined to the text that is judged."""

    language: str
    weighed: list[Weighed]
    in_subject: int
    text: str

    @property
    def gist(self) -> str:
        """The part whose meaning is looked at, as far as a few sentences reach; all of it would take twice the time."""
        return self.text[:LONGEST_GIST]

    @property
    def rules(self) -> Floats:
        """The weight of each of TYPES as the model takes it."""
        return scale_rules([sum(one.of(kind) for one in self.weighed) for kind in TYPES])


def hear(ticket: TicketText) -> Heard:
    """The customer's sentences that are not noise."""
    line = ticket.subject[:LONGEST]
    subject = [Sentence(0, len(line), "free", line)] if line.strip() else []
    body = [
        sentence
        for passage in ticket.passages
        if passage.author_kind != "agent"
        for sentence in split(ticket.text, passage.start, passage.end)
        if sentence.role != "noise"
    ]
    language = guess_language(ticket.text)
    known = language if language != "other" else "unknown"
    return Heard(language, weigh_all(subject + body, known), len(subject), " ".join(one.text for one in subject + body))


def hear_text(text: str) -> Heard:
    """A plain text as the model is asked about it."""
    return hear(TicketText(0, text, passages=(Passage(0, len(text)),)))


def embed_with_model(texts: Sequence[str]) -> Floats:
    """By the sentence model, which is loaded on first use."""
    from miner.themes.embed import embed_texts

    return embed_texts(texts)


if __name__ == "__main__":
    from miner.issues.classify import main

    sys.exit(main())
