"""Articles of a Help Center from what it answers, and the outline of them that Claude is shown (pure)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html.parser import HTMLParser
from itertools import groupby
from typing import Any

from miner.errors import HelpCenterTrouble
from miner.tickets.text import clean, clean_line
from miner.tickets.values import number, time, web_address

LONGEST_TITLE, LONGEST_BODY = 200, 4_000
EMBEDDED = 400  # characters of the body that count for the meaning: a vector holds the first 128 tokens
OUTLINE_CHARACTERS = 8_000  # about 3,000 tokens


@dataclass(frozen=True, slots=True)
class Article:
    """A public article; `body` is its text without markup, the beginning of a long one."""

    base: str
    article_id: int
    title: str
    section: str
    url: str
    body: str
    updated_at: dt.datetime | None = None

    @property
    def meaning(self) -> str:
        """What of it is compared with tickets."""
        return clean(f"{self.title}. {self.section}. {self.body[:EMBEDDED]}")


def parse_sections(data: Mapping[str, Any]) -> dict[int, str]:
    """{section id: name}; raises HelpCenterTrouble when the answer is no page of sections."""
    return {
        key: clean_line(row["name"])[:LONGEST_TITLE]
        for row in _rows(data, "sections")
        if (key := number(row.get("id"))) is not None and isinstance(row.get("name"), str)
    }


def parse_articles(data: Mapping[str, Any], *, base: str, sections: Mapping[int, str]) -> list[Article]:
    """The public articles of a page; a draft and one without a title are left out. Raises HelpCenterTrouble."""
    found = []
    for row in _rows(data, "articles"):
        key, title = number(row.get("id")), row.get("title")
        if key is None or row.get("draft") is True or not isinstance(title, str) or not clean_line(title):
            continue
        body = row.get("body")
        found.append(
            Article(
                base=base,
                article_id=key,
                title=clean_line(title)[:LONGEST_TITLE],
                section=sections.get(number(row.get("section_id")) or 0, ""),
                url=web_address(row.get("html_url")) or f"{base}/articles/{key}",
                body=plain_text(body)[:LONGEST_BODY] if isinstance(body, str) else "",
                updated_at=_time(row.get("updated_at")),
            )
        )
    return found


def next_cursor(data: Mapping[str, Any]) -> str | None:
    """The cursor after this page; None: it was the last. Raises HelpCenterTrouble when it does not say."""
    meta = data.get("meta")
    if not isinstance(meta, Mapping) or not isinstance(meta.get("has_more"), bool):
        raise HelpCenterTrouble("the Help Center's page does not say whether more follows")
    after = meta.get("after_cursor")
    if meta["has_more"] and not (isinstance(after, str) and after):
        raise HelpCenterTrouble("the Help Center's page has more after it, but no cursor")
    return str(after) if meta["has_more"] else None


def _rows(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = data.get(name)
    if not isinstance(rows, list):
        raise HelpCenterTrouble(f"the Help Center's answer lacks its {name}")
    return [row for row in rows if isinstance(row, Mapping)]


def _time(value: Any) -> dt.datetime | None:
    try:
        return time(value, "updated_at")
    except ValueError:
        return None


class _Text(HTMLParser):
    """The words between the tags; what a browser would not show is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in ("script", "style")))
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def plain_text(html: str) -> str:
    """The text of an article's HTML, on one line."""
    parser = _Text()
    parser.feed(html[:500_000])
    parser.close()
    return clean_line("".join(parser.parts))


def outline(articles: Sequence[Article], *, room: int = OUTLINE_CHARACTERS) -> str:
    """Sections with the titles in them, the same for the same articles, at most `room` characters.

    Every section is named before titles fill what is left, so that a large Help Center is cut evenly.
    """
    ordered = sorted(articles, key=lambda one: (one.section, one.title, one.base, one.article_id))
    sections = [
        (name, list(dict.fromkeys(one.title for one in rows)))
        for name, rows in groupby(ordered, lambda one: one.section)
    ]
    heads = [f"- {name or 'Other'}: " for name, _ in sections]
    left = room - sum(map(len, heads)) - len(heads)
    lines = []
    for place, (head, (_, titles)) in enumerate(zip(heads, sections, strict=True)):
        share = max(0, left) // (len(heads) - place)
        kept = _fitting(titles, share)
        lines.append(head + (kept or f"{len(titles)} articles"))
        left -= len(kept)
    return "\n".join(lines)[:room]


def _fitting(titles: Sequence[str], room: int) -> str:
    kept: list[str] = []
    for title in titles:
        room -= len(title) + 2
        if room < 10:
            break
        kept.append(title)
    more = len(titles) - len(kept)
    return "; ".join(kept) + (f"; {more} more" if more and kept else "")


def digest(articles: Sequence[Article]) -> str:
    """A hash of all that tickets are compared with: it changes when an answer may."""
    rows = sorted((one.base, one.article_id, one.title, one.section, one.url, one.meaning) for one in articles)
    return sha256(repr(rows).encode()).hexdigest()


_WORD = re.compile(r"\w{3,}")


def words_of(text: str) -> frozenset[str]:
    """The words of a text, in lower case and cut to their first six letters: a crude stem for any language."""
    return frozenset(word[:6] for word in _WORD.findall(text.lower()))
