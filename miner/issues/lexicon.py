"""The words by which the local analyzer knows a type, read from `words/` and compiled (pure).

They are written from how people complain and ask, not learned from a labelled set; what they reach on one is printed
by `tests/benchmarks/bench_local_types.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_FILES = {"en": ("english",), "fr": ("french",), "unknown": ("english", "french")}


class Rule(NamedTuple):
    type: str
    weight: int
    pattern: re.Pattern[str]


class Lexicon(NamedTuple):
    """`harmless` is praise and denial that contains a cue."""

    rules: tuple[Rule, ...]
    harmless: re.Pattern[str]


@cache
def lexicon(language: str) -> Lexicon:
    """The compiled words of a language: en, fr, or unknown, which takes both."""
    sections = [section for name in _FILES[language] for section in read_words(name)]
    rules = [
        Rule(kind, int(weight), whole_words(phrases))
        for name, phrases in sections
        if name != "harmless"
        for kind, weight in [name.split()]
    ]
    harmless = [phrase for name, phrases in sections if name == "harmless" for phrase in phrases]
    return Lexicon(tuple(rules), whole_words(harmless))


def read_words(name: str) -> list[tuple[str, list[str]]]:
    """(section, its phrases) of `words/<name>.txt` in order, with the named parts filled in."""
    parts: dict[str, str] = {}
    sections: list[tuple[str, list[str]]] = []
    lines = files("miner.issues").joinpath("words", f"{name}.txt").read_text(encoding="utf-8").splitlines()
    for line in (line for line in lines if line and not line.startswith("#")):
        phrase = re.sub(r"<([A-Z]+)>", lambda part: parts[part.group(1)], line)
        if definition := re.fullmatch(r"([A-Z]+) = (.+)", phrase):
            parts[definition.group(1)] = definition.group(2)
        elif section := re.fullmatch(r"\[(.+)\]", phrase):
            sections.append((section.group(1), []))
        else:
            sections[-1][1].append(phrase)
    return sections


def whole_words(phrases: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all `phrases`, each as whole words, without regard to case."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.I)
