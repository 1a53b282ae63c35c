"""How bad an issue is, only by the words that show it (pure); without them it is medium, assumed."""

from __future__ import annotations

import re
from functools import cache

from miner.issues.lexicon import read_words, whole_words

_DENIED = re.compile(
    r"(?:\b(?:no|not|never|without|hardly|instead of|rather than|sans|jamais|pas)|n['’]t)\W+(?:\w+\W+){0,2}$", re.I
)


@cache
def _phrases() -> list[tuple[str, re.Pattern[str]]]:
    return [(severity, whole_words(phrases)) for severity, phrases in read_words("severity")]


def find_severity(*passages: str) -> tuple[str, str | None]:
    """(severity, the words that show it) by the worst phrase in any passage; ("medium", None) without one.

    A phrase that is denied just before ("no data loss", "does not crash") shows nothing.
    """
    for severity, pattern in _phrases():
        for passage in passages:
            for match in pattern.finditer(passage):
                if not _DENIED.search(passage[max(0, match.start() - 40) : match.start()]):
                    return severity, match.group()
    return "medium", None
