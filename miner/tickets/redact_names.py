"""Finding the people of a ticket by the names that the source gives for them (pure).

A whole name is found however it is written; a single first or last name only with its capital letter, and one that is
also a word ("Mark", "Page") only where a person is addressed or signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path

SHORTEST = 3  # letters of a name that is looked for by itself
MOST = 200  # names of one ticket

_OPENINGS = ("Hi", "Hello", "Hey", "Dear", "Thanks", "Bonjour", "Salut", "Cher", "Merci", "Hallo", "Mr", "Ms", "Mrs")
_SHARED = frozenset((
    "account", "admin", "agent", "answer", "bot", "billing", "customer", "desk", "help", "info", "noreply", "office",
    "sales", "service", "support", "system", "team", "test", "tester", "unknown", "user",
    "ag", "bv", "company", "corp", "gmbh", "inc", "llc", "ltd", "plc", "sarl", "sas",
))  # fmt: skip


@cache
def _words() -> frozenset[str]:
    lines = (Path(__file__).parent / "data" / "name_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=4_096)  # the tickets of a batch share their agents
def _parts(name: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """(whole name, parts that stand for themselves, parts that are words too); a shared account is no person."""
    words = [word for part in name.split() if (word := part.strip(".,;:()[]\"'"))]
    if "@" in name or any(word.lower() in _SHARED for word in words):
        return "", (), ()
    letters = [word for word in words if len(word) >= SHORTEST and word.replace("-", "").replace("'", "").isalpha()]
    common = tuple(word for word in letters if word.lower() in _words())
    alone = tuple(word for word in letters if word.lower() not in _words())
    return " ".join(words) if len(words) > 1 and letters else "", alone, common


def name_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that finds the people with these names; None: there is no name to look for."""
    wholes, alone, common = set[str](), set[str](), set[str]()
    for name in sorted({name for name in names if name})[:MOST]:
        whole, parts, words = _parts(name)
        wholes |= {whole} if whole else set()
        alone.update(parts)
        common.update(words)
    return _compiled(frozenset(wholes), frozenset(alone), frozenset(common))


@lru_cache(maxsize=1_024)
def _compiled(wholes: frozenset[str], alone: frozenset[str], common: frozenset[str]) -> re.Pattern[str] | None:
    ways = []
    if wholes:
        ways.append(rf"(?i:{_any_of(wholes)})")
    if alone:
        ways.append(_any_of({word[0].upper() + word[1:] for word in alone} | {word.upper() for word in alone}))
    if common:
        capital = _any_of({word[0].upper() + word[1:] for word in common})
        ways += [rf"(?<=\b{opening} )(?:{capital})(?=\s*(?:[,.!:]|$))" for opening in _OPENINGS]
        ways.append(rf"(?<=\n)(?:{capital})(?=\s*\Z)")  # how a message is signed
    return re.compile(rf"(?<![\w\[])(?:{'|'.join(ways)})(?![\w\]])", re.M) if ways else None


def _any_of(words: Iterable[str]) -> str:
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return "|".join(r"\s+".join(map(re.escape, word.split())) for word in ordered)
