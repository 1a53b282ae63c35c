"""The one text of a ticket: what is hashed, analysed, quoted and searched (pure).

Subject, description and public comments in order, joined by blank lines. Offsets are half-open and count code points,
as Python's slices and Postgres' `char_length` do. Personal data is taken out part by part, before the parts are joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from miner.tickets.redact import REDACTION_VERSION, redactor

BETWEEN = "\n\n"

# Postgres stores neither NUL nor half a surrogate pair, in text as in jsonb.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NEWLINE = re.compile("\r\n?|[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class AnalysisText:
    """`text`, its SHA-256 in hex, and for each message its [start, end) in it; None: the message is not in it."""

    text: str
    text_hash: str
    places: tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class TextRules:
    """How texts are made: whether personal data is taken out, and whether private notes enter."""

    redact: bool = True
    private: bool = False

    @property
    def mark(self) -> str:
        """What stands beside a text that was made so; texts with another mark are made again before they are read."""
        return (f"redacted-{REDACTION_VERSION}" if self.redact else "plain") + ("+notes" if self.private else "")

    def redactor(self, names: Iterable[str]) -> Callable[[str], str]:
        """What is done to each part of the text of a ticket whose people have `names`."""
        return redactor(names) if self.redact else str


RULES = TextRules()


def clean(value: str) -> str:
    """`value` as it can be stored: NUL and lone surrogates removed, newlines as \\n, no blanks around it."""
    if value.isascii() and "\x00" not in value and "\r" not in value:
        return value.strip()  # most values need nothing, and this is quicker than finding that out twice
    return _NEWLINE.sub("\n", _UNSTORABLE.sub("", value)).strip()


def clean_line(value: str) -> str:
    """`clean`, on one line."""
    return " ".join(clean(value).split())


def build_text(subject: str, messages: Iterable[tuple[bool, str]], apply: Callable[[str], str] = str) -> AnalysisText:
    """The text of a ticket from its subject and its messages as (enters, body), the description first.

    Subject and bodies are expected clean; so `text[start:end] == apply(body)` holds for every message that enters and
    says something, and the text begins with `apply(subject)`, one line.
    """
    subject = apply(subject)
    parts = [subject] if subject else []
    length = len(subject)
    places: list[tuple[int, int] | None] = []
    for public, body in messages:
        if not public or not body:
            places.append(None)
            continue
        body = apply(body)
        start = length + (len(BETWEEN) if parts else 0)
        length = start + len(body)
        parts.append(body)
        places.append((start, length))
    text = BETWEEN.join(parts)
    return AnalysisText(text, hash_text(text), tuple(places))


def subject_end(subject: str, text: str) -> int:
    """Where the subject ends in the text that was built from it: it is one line, and a blank line follows."""
    if not subject:
        return 0
    end = text.find(BETWEEN)
    return len(text) if end < 0 else end


def hash_text(text: str) -> str:
    """SHA-256 of `text` in hex."""
    return sha256(text.encode()).hexdigest()
