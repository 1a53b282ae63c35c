"""Splitting a message into sentences that keep their place, and saying which part they play (pure).

Reports are often written along a template ("Steps to reproduce: ... Actual results: ..."); the heading tells what the
sentences under it are. Greetings, signatures, quoted mail, code and log lines are marked as noise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 320  # a quote longer than this says less, not more

# What stands under a heading: `actual` is the problem itself, `expected` and `steps` only surround it.
_HEADINGS = {
    "actual": (
        "actual (?:results?|behaviou?rs?|outcome)", "actual", "(?:error|fehler) message", "problem(?: description)?",
        "issue", "bug", "what happen(?:s|ed)", "current behaviou?r", "résultats? (?:obtenus?|actuels?)",
        "comportement (?:actuel|constaté)", "problème",
    ),
    "expected": (
        "expected (?:results?|behaviou?rs?|outcome)", "expected", "what should happen", "résultats? attendus?",
        "comportement attendu",
    ),
    "steps": (
        "steps?(?: how)? to reproduce[^:]{0,40}", "steps", "how to reproduce", "str", "étapes(?: pour reproduire)?",
        "(?:always )?reproducib(?:le|ility)",
    ),
    "facts": (
        "user ?agent", "build ?(?:id|identifier|number|naam)?", "environment", "operating system", "os", "platform",
        "version", "browser(?: / version)?", "url", "product", "tested (?:with|another browser)", "problem type",
        "environnement", "appareil",
    ),
    "free": (
        "description", "details", "summary", "additional (?:information|infos?)", "comments?", "explanation", "notes?",
        "remarque", "détails",
    ),
}  # fmt: skip
_HEADING = re.compile(
    # At the start of a line, or further on with a capital: "the problem: it fails" is a sentence.
    r"(?:^|(?<=\n)|(?<=[\s>*#•-])(?=[*_#\s]{0,6}(?-i:[A-ZÀ-Þ])))[*_#\s]{0,6}(?:"
    + "|".join(rf"(?P<{role}>{'|'.join(words)})" for role, words in _HEADINGS.items())
    + r")\s{0,2}[*_]{0,3}\s{0,2}:[*_]{0,3}(?=\s|$)",
    re.I,
)
# A sentence ends at its mark before a capital, a digit or an opening mark, at a blank line, or before a list item.
_END = re.compile(
    r"(?<=[.!?…。！？])[\"'”’)\]]*\s+(?=[\"'“‘(\[«¿¡*_`>-]*[A-ZÀ-ÖØ-Þ0-9])"
    r"|(?<=[!?。！？])\s+"
    r"|\n\s*\n"
    r"|\n(?=[ \t]*(?:[-*•>]|\d{1,2}[.)])\s)"
    r"|(?<=[.!?:;…])\n"
    r"|<!--.{0,400}?-->"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|no|nr|mr|mrs|ms|dr|st|ex|cf|p\.ex|z\.b|bzw)|\b[A-Z])\.$", re.I
)
_NAMES = r"(?:[ ,]+[\w.'-]+)"
_NOISE = re.compile(
    r"\s*(?:"
    r">"
    r"|(?:at|in|from) [\w$.<>]+\([^)]*\)|Traceback \(|File \"[^\"]+\", line \d|Caused by:"
    r"|\w+(?:\.\w+)+(?:Exception|Error)\b"
    r"|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d[.,]\d|(?:DEBUG|INFO|WARN|ERROR|FATAL|TRACE)\b[ :\]]"
    r"|(?:On|Le|Am) .{5,80} (?:wrote|a écrit|schrieb)\s?:|-{2,}\s?(?:original|forwarded) message"
    r"|(?:from|to|cc|sent|subject|date|de|à|objet|envoyé)\s?:\s"
    r"|(?:hi|hello|hey|dear|good (?:morning|afternoon|day|evening)|bonjour|bonsoir|salut|madame|monsieur|chère?)"
    rf"{_NAMES}{{0,4}}\s*[,!.:-]*$"
    rf"|(?:many |kind |best |warm )?(?:thanks|thank you|thx|regards|cheers|sincerely|yours){_NAMES}{{0,5}}\s*[,!.-]*$"
    rf"|(?:merci|cordialement|bien à vous|salutations|bonne journée|cdt){_NAMES}{{0,6}}\s*[,!.-]*$"
    r"|sent from my |envoyé de mon |get outlook for "
    r"|```|(?:https?://|www\.)\S+\s*$|mozilla/\d"
    r")",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """text[start:end], trimmed. `role`: actual, expected, steps, facts, free, or noise."""

    start: int
    end: int
    role: str
    text: str


def split(text: str, start: int = 0, end: int | None = None) -> list[Sentence]:
    """The sentences of text[start:end], each a verbatim slice with its offsets in `text`."""
    sentences: list[Sentence] = []
    for role, first, last in _sections(text, start, len(text) if end is None else end):
        for left, right in _pieces(text, first, last):
            piece = text[left:right]
            noise = _NOISE.match(piece) is not None or not any(character.isalpha() for character in piece)
            sentences.append(Sentence(left, right, "noise" if noise else role, piece))
            role = "free" if role == "facts" else role  # "Version: 2. It crashes." is one fact and then the story
    return sentences


def _sections(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """(role, start, end) of what stands under each heading; what comes before the first one is free."""
    role, at = "free", start
    for heading in _HEADING.finditer(text, start, end):
        yield role, at, heading.start()
        role, at = str(heading.lastgroup), heading.end()
    yield role, at, end


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    left = start
    for match in _END.finditer(text, start, end):
        inside = match.group().isspace() and "\n" not in match.group()
        if match.start() <= left or (
            inside and _ABBREVIATION.search(text, max(left, match.start() - 12), match.start())
        ):
            continue
        yield from _trimmed(text, left, match.start())
        left = match.end()
    yield from _trimmed(text, left, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The slice without blanks and list marks around it, in parts where it is too long."""
    while start < end and (text[start].isspace() or text[start] in "*_#•"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in "*_#"):
        end -= 1
    while end - start > LONGEST:
        cut = _cut(text, start)
        yield start, cut
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if end > start:
        yield start, end


def _cut(text: str, start: int) -> int:
    """Where a sentence that is too long is cut: after a mark, else before a blank, else anywhere."""
    mark = max(text.rfind(mark, start + LONGEST // 3, start + LONGEST) for mark in (";", ",", " -"))
    if mark > 0:
        return mark + 1
    blank = max(text.rfind(blank, start + 1, start + LONGEST) for blank in (" ", "\n"))
    while blank > start and text[blank - 1].isspace():
        blank -= 1
    return blank if blank > start else start + LONGEST
