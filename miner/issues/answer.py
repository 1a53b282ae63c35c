"""What an analyzer is given and what it answers: the interface that every analyzer shares (pure).

An analyzer reads tickets and gives one Reading for each. What it answers is not trusted: `checked` clips and corrects
it, so that nothing an analyzer says can break a rule of the tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from miner.issues.quotes import locate
from miner.issues.taxonomy import SEVERITIES, TYPES, UNCLEAR
from miner.tickets.text import clean, clean_line

LONGEST_SUMMARY = 300
LONGEST_QUOTE = 1_000
LONGEST_NAME = 100
LONGEST_FACT = 500
MOST_FINDINGS = 20
NO_ARTICLE = "no article found"
OUTCOMES = ("issues", "no_issue", "skipped", "failed")


@dataclass(frozen=True, slots=True)
class Passage:
    """[start, end) of one public message in the ticket's text, and who wrote it: customer, agent or unknown."""

    start: int
    end: int
    author_kind: str = "customer"


@dataclass(frozen=True, slots=True)
class HelpLink:
    """A public article of the Help Center."""

    title: str
    section: str
    url: str


@dataclass(frozen=True, slots=True)
class TicketText:
    """A ticket as an analyzer sees it: the text begins with the subject, [0, subject_end)."""

    id: int
    text: str
    subject_end: int = 0
    passages: tuple[Passage, ...] = ()
    articles: tuple[HelpLink, ...] = ()  # nearest to it, the best first; none: no Help Center is known

    @property
    def subject(self) -> str:
        return self.text[: self.subject_end]


@dataclass(frozen=True, slots=True)
class Finding:
    """One product issue. `severity_phrase` None: the severity is assumed; `quote_hint`: where the quote was seen.

    `article` is the one of the ticket's articles that should have answered it, as `article_ids` names it. `facts` are
    what else the ticket says of it, by name: problem, platform, workaround and so on.
    """

    type: str
    summary: str
    quote: str
    area: str | None = None
    component: str | None = None
    severity: str = "medium"
    severity_phrase: str | None = None
    confidence: float | None = None
    quote_hint: int | None = None
    article: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reading cost; None: no model was asked, or its price is unknown."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer for one ticket: `outcome` of OUTCOMES, with a reason unless it is `issues`.

    `model`: who answered, where it was another than the reader's own.
    """

    ticket_id: int
    outcome: str
    reason: str | None = None
    findings: tuple[Finding, ...] = ()
    usage: Usage = Usage()
    model: str | None = None


class Reader(Protocol):
    """Who reads: `name` is local or claude; `model` tells the version of what reads."""

    name: str
    model: str


class Analyzer(Reader, Protocol):
    """A reader that is given tickets and answers at once."""

    def read(self, tickets: Sequence[TicketText]) -> Iterable[Reading]:
        """A reading for each ticket, in any order; may raise, then the tickets are read one by one."""
        ...


@dataclass(frozen=True, slots=True)
class Located:
    """A finding that was checked, with the place of its quote; None: the quote is not verified."""

    finding: Finding
    place: tuple[int, int] | None


def checked(reading: Reading, ticket: TicketText) -> tuple[Reading, tuple[Located, ...]]:
    """`reading` as it may be stored, and its findings with their places.

    An answer of issues without one is no issue; an answer without issues has a reason.
    """
    if reading.outcome not in OUTCOMES:
        reading = replace(reading, outcome="failed", reason="the answer could not be understood", findings=())
    found = tuple(_located(finding, ticket) for finding in reading.findings[:MOST_FINDINGS] if clean(finding.quote))
    if reading.outcome == "issues" and found:
        return replace(reading, reason=None), found
    outcome = "no_issue" if reading.outcome == "issues" else reading.outcome
    return replace(reading, outcome=outcome, reason=reading.reason or "no product issue was found", findings=()), ()


def _located(finding: Finding, ticket: TicketText) -> Located:
    text = ticket.text
    quote = clean(finding.quote)[:LONGEST_QUOTE]
    place = locate(quote, text, hint=finding.quote_hint)
    if place:
        quote = text[slice(*place)]
    severity, phrase = _severity(finding, text)
    return Located(
        replace(
            finding,
            type=finding.type if finding.type in TYPES or finding.type == UNCLEAR else "other",
            area=_name(finding.area),
            component=_name(finding.component),
            severity=severity,
            severity_phrase=phrase,
            summary=shorten(finding.summary) or shorten(quote),
            quote=quote,
            confidence=_share(finding.confidence),
            article=None,
            facts={name: text for name, fact in finding.facts.items() if (text := clean(fact)[:LONGEST_FACT])}
            | _article(finding, ticket),
        ),
        place,
    )


def article_ids(count: int) -> list[str]:
    """a1, a2, ...: what a ticket's articles are called in a call."""
    return [f"a{number}" for number in range(1, count + 1)]


def _article(finding: Finding, ticket: TicketText) -> dict[str, str]:
    """The article that should have answered what help does not; nothing where no Help Center is known."""
    if finding.type != "documentation_gap" or not ticket.articles:
        return {}
    named = dict(zip(article_ids(len(ticket.articles)), ticket.articles, strict=True)).get(finding.article or "")
    if named is None:
        return {"article": NO_ARTICLE}
    address = {"article_url": named.url} if len(named.url) <= LONGEST_FACT else {}
    return {"article": clean_line(named.title)[:LONGEST_FACT]} | address


def _severity(finding: Finding, text: str) -> tuple[str, str | None]:
    """A severity counts with the words that show it; without them it is medium, assumed."""
    place = locate(finding.severity_phrase or "", text)
    if place is None or finding.severity not in SEVERITIES:
        return "medium", None
    return finding.severity, text[slice(*place)][:LONGEST_SUMMARY]


def shorten(text: str, most: int = LONGEST_SUMMARY) -> str:
    """`text` on one line and at most `most` characters, cut between words."""
    line = clean_line(text)
    if len(line) <= most:
        return line
    cut = line[: most - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[most // 2 :] else cut).rstrip(" ,;:-") + "…"


def _name(name: str | None) -> str | None:
    return shorten(name or "", LONGEST_NAME) or None


def _share(confidence: float | None) -> float | None:
    if confidence is None or not math.isfinite(confidence):
        return None
    return min(1.0, max(0.0, confidence))
