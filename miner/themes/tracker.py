"""A theme as the text of a tracker's item, in Markdown or Jira wiki markup (pure).

What customers and models wrote is hostile here, too: a tracker turns text into links, pictures, mentions that send
mail, references to other items, and commands. Every such character is escaped, and where a tracker does not know an
escape a word joiner (U+2060), which shows nothing, stands between the parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

FORMATS = ("markdown", "jira")
LONGEST_QUOTE, LONGEST_TEXT = 600, 1_000
_JOINER = "\u2060"
_BACKSLASH = "\x00"  # stands for one until the escapes are made; no text holds it
_SAFE_IN_URL = ":/?#@&=+,;%~-._"


@dataclass(frozen=True)
class Said:
    """A quote with its ticket: what it is called, and where it opens (None: nowhere). `customer` None: unknown."""

    quote: str
    ticket: str
    url: str | None
    customer: str | None


@dataclass(frozen=True)
class Item:
    """What an item says, as plain text; an empty list is left out. `customers` are named only on request."""

    title: str
    problem: Sequence[str]
    affected: Sequence[str]
    numbers: Sequence[str]
    quotes: Sequence[Said]
    customers: Sequence[str] = ()
    steps: Sequence[str] = ()
    errors: Sequence[str] = ()
    workarounds: Sequence[str] = ()
    link: str | None = None


@dataclass(frozen=True)
class _Markup:
    """How one tracker writes things; each function is handed escaped text, but for addresses and code."""

    escape: Callable[[str], str]
    title: str
    heading: str
    bullet: str
    quote: Callable[[str], str]
    link: Callable[[str, str], str]
    code: Callable[[str], str]


def render(item: Item, *, format_: str, names: bool = False) -> str:
    """The item's text; `names`: with the names of customers, which are left out otherwise."""
    mark = _MARKUPS[format_]
    named = [f"Customers: {', '.join(item.customers)}"] if names and item.customers else []
    bullets = [("Who is affected", [*item.affected, *named]), ("Numbers", item.numbers)]
    after = [("Steps, as they were told", item.steps), ("Workaround, as customers told it", item.workarounds)]
    parts = [mark.title + mark.escape(_shorten(item.title, 200))]
    if item.problem:
        parts += [mark.heading + "Problem", " ".join(mark.escape(_shorten(one)) for one in item.problem)]
    parts += [part for name, lines in bullets for part in _list(mark, name, lines)]
    if item.quotes:
        parts += [mark.heading + "In their words", *(_said(mark, one, names) for one in item.quotes)]
    if item.errors:
        parts += [mark.heading + "Error text", *(mark.code(_lines(one)) for one in item.errors)]
    parts += [part for name, lines in after for part in _list(mark, name, lines)]
    if item.link and (address := safe_address(item.link)):
        parts.append(mark.link("The theme in Product Issue Miner", address))
    return "\n\n".join(parts) + "\n"


def safe_address(url: str) -> str | None:
    """The address with everything encoded that could end it in any markup; None: no browser should open it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not parts.netloc:
        return None
    return quote(url, safe=_SAFE_IN_URL)


def _list(mark: _Markup, name: str, lines: Sequence[str]) -> list[str]:
    found = "\n".join(f"{mark.bullet}{mark.escape(_shorten(one))}" for one in lines if one.strip())
    return [mark.heading + name, found] if found else []


def _said(mark: _Markup, one: Said, names: bool) -> str:
    address = safe_address(one.url) if one.url else None
    name = mark.escape(_shorten(one.ticket, 100))
    ticket = mark.link(name, address) if address else name
    customer = f", {mark.escape(_shorten(one.customer, 100))}" if names and one.customer else ""
    return mark.quote(mark.escape(_shorten(one.quote, LONGEST_QUOTE))) + f"\n\n{ticket}{customer}"


def _shorten(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text on one line, without what cannot be seen."""
    line = " ".join(_visible(text).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _lines(text: str) -> str:
    """The text with its lines, without what cannot be seen."""
    kept = "\n".join(_visible(line) for line in text[:LONGEST_TEXT].splitlines())
    return kept.strip("\n")


def _visible(text: str) -> str:
    """Without control and format characters: those that turn the direction of text, among others."""
    return "".join(" " if one.isspace() else "" if unicodedata.category(one)[0] == "C" else one for one in text)


def _inert(text: str) -> str:
    """No mention, no reference, no address that becomes a link by itself, no smiley."""
    text = re.sub(r"([@#!])(?=\w)", rf"\1{_JOINER}", text)
    text = re.sub(r"\b(GH-)(?=\d)", rf"\1{_JOINER}", text, flags=re.I)
    text = re.sub(r"://", f":{_JOINER}//", text)
    text = re.sub(r"\b(www|mailto|javascript|data)(?=[.:])", rf"\1{_JOINER}", text, flags=re.I)
    return re.sub(r"([:;])(?=[)(DPp])", rf"\1{_JOINER}", text)


def _markdown(text: str) -> str:
    text = re.sub(r"([\\`*_{}\[\]<>#|~&$])", r"\\\1", _inert(text))
    text = re.sub(r"^([-+=/])", r"\\\1", text)
    return re.sub(r"^(\d+)(?=[.)])", r"\1\\", text)


def _jira(text: str) -> str:
    text = re.sub(r"([{}\[\]*_+^~!?|#])", r"\\\1", _inert(text).replace("&", "&amp;").replace("\\", _BACKSLASH))
    text = re.sub(r"\((?=(?:x|/|y|n|i|on|off|flag|flagoff|\\[-!?+*]\w?|-)\))", r"\\(", text)  # icons
    text = re.sub(r"(?<!\w)-|-(?!\w)", r"\\-", text).replace(_BACKSLASH, "&#92;")
    return re.sub(r"^(bq|h[1-6])(?=\.)", rf"\1{_JOINER}", text)


def _fence(text: str) -> str:
    """A code block that nothing in it can close."""
    ticks = max([len(run) for run in re.findall(r"`+", text)] + [2]) + 1
    return f"{'`' * ticks}text\n{text}\n{'`' * ticks}"


def _noformat(text: str) -> str:
    return "{noformat}\n" + re.sub(r"\{(?=noformat)", "{" + _JOINER, text, flags=re.I) + "\n{noformat}"


_MARKUPS = {
    "markdown": _Markup(
        escape=_markdown,
        title="# ",
        heading="## ",
        bullet="- ",
        quote=lambda text: f"> {text}",
        link=lambda label, address: f"[{label}]({address})",
        code=_fence,
    ),
    "jira": _Markup(
        escape=_jira,
        title="h1. ",
        heading="h2. ",
        bullet="* ",
        quote=lambda text: f"{{quote}}\n{text}\n{{quote}}",
        link=lambda label, address: f"[{label}|{address}]",
        code=_noformat,
    ),
}
