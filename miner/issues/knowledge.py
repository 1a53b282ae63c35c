"""What Claude is told beside the tickets: the settings' taxonomy, the Help Center, and each ticket's nearest articles.

Loaded once for a run: everything here is the same for all its calls, so that the prefix stays in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from miner.help_center.articles import Article, digest, outline
from miner.help_center.records import list_articles
from miner.issues.answer import HelpLink
from miner.issues.pending import PendingTicket
from miner.issues.prompt import Taxonomy, system_text
from miner.issues.taxonomy_settings import load_taxonomy
from miner.settings import Settings

NEAREST = 3  # articles of a ticket
ARTICLE_FRAME = 40  # characters around an article's title and section in the document

if TYPE_CHECKING:
    from miner.help_center.nearest import Nearest


@dataclass(frozen=True, slots=True)
class PromptSize:
    """Characters for estimates: of what stands before the tickets, and of what comes with each beside its text."""

    prefix: int
    a_ticket: int = 0


def measure_prompt(session: Session, settings: Settings, *, version: int) -> PromptSize:
    """The size of the prompt under these settings: instructions, taxonomy, outline, examples, nearest articles."""
    articles = list_articles(session, settings.help_centers)
    taxonomy = replace(load_taxonomy(session, settings, version=version), help_center=outline(articles))
    shown = min(NEAREST, len(articles))
    named = sum(len(one.title) + len(one.section) for one in articles) // max(1, len(articles))
    return PromptSize(len(system_text(taxonomy)), shown * (named + ARTICLE_FRAME))


@dataclass(frozen=True)
class Knowledge:
    """`digest` changes when the articles that tickets are given may be others; `nearest` None: there are none."""

    taxonomy: Taxonomy
    digest: str = ""
    nearest: Nearest | None = None

    def with_articles(self, tickets: Sequence[PendingTicket]) -> list[PendingTicket]:
        """`tickets` with the articles nearest to each; takes some milliseconds a ticket, so no transaction is open."""
        if self.nearest is None:
            return list(tickets)
        found = self.nearest.find([_asked(ticket) for ticket in tickets], most=NEAREST)
        return [
            replace(ticket, text=replace(ticket.text, articles=tuple(map(_link, articles))))
            for ticket, articles in zip(tickets, found, strict=True)
        ]


@dataclass(frozen=True)
class StoredKnowledge:
    """What `load_knowledge` took from the database; `prepare` does the slow rest without it."""

    taxonomy: Taxonomy
    articles: Sequence[Article]
    vectors: dict[str, bytes]

    def prepare(self) -> Knowledge:
        if not self.articles:
            return Knowledge(self.taxonomy)
        from miner.help_center.nearest import Nearest  # the model behind it is slow to load

        return Knowledge(self.taxonomy, digest(self.articles), Nearest(self.articles, self.vectors))


def load_knowledge(session: Session, settings: Settings, *, version: int) -> StoredKnowledge:
    """The taxonomy, the articles and their vectors, for readings under that `version` of the settings."""
    articles = list_articles(session, settings.help_centers)
    taxonomy = replace(load_taxonomy(session, settings, version=version), help_center=outline(articles))
    if not articles:
        return StoredKnowledge(taxonomy, (), {})
    from miner.themes.vectors import hash_text, list_vectors

    return StoredKnowledge(
        taxonomy, articles, list_vectors(session, hashes={hash_text(one.meaning) for one in articles})
    )


def _asked(ticket: PendingTicket) -> str:
    """The subject and what the customer wrote first."""
    text = ticket.text
    first = next((one for one in text.passages if one.author_kind != "agent"), None)
    return f"{text.subject}\n{text.text[first.start : first.end]}" if first else text.text


def _link(article: Article) -> HelpLink:
    return HelpLink(article.title, article.section, article.url)
