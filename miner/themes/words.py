"""Words of short texts: what the lexical similarity and the names of themes are made of."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*")
# What identifies one report rather than describing it: addresses, hosts, files, hex, whatever has a digit, [tags].
_NOISE = re.compile(
    r"https?://\S+|\S+@\S+|\b(?:[\w-]+\.)+[a-z]{2,6}\b(?:/\S*)?|\b[0-9a-f]{8,}\b|[\w.\-+]*\d[\w.\-+]*|\[[^\]]{0,20}\]",
    re.I,
)
_LONGEST = 1_000  # the expression above is quadratic on hostile text
_TERM = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

_STOP_WORDS = """
    a about after again all also although always am an and another any anymore are aren't as at be because been
    before being below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't
    down during each even ever every few for from further get gets getting got had has hasn't have haven't having he
    hello her here hers hi him his how i i'd i'll i'm i've if in instead into is isn't it it's its itself just least
    less like longer made make many may me might more most much must my myself need neither no nor not now of off on
    once one only or other our ours out over own per please quite really same seems several she should shouldn't
    since so some still such than thank thanks that that's the their theirs them then there these they this those
    through to too under until up us use used using very via want was wasn't we were weren't what when where whether
    which while who whose why will with within without won't would wouldn't yes yet you your yours
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def split_words(text: str) -> list[str]:
    """All words of `text` in lower case; versions such as 2.53 stay one word."""
    return _WORD.findall(text.lower())


def split_terms(text: str) -> list[list[str]]:
    """Runs of words of `text` that can describe a theme, cut at stop words, punctuation, addresses, numbers and ids."""
    cleaned = _NOISE.sub(" . ", text[:_LONGEST]).lower().replace("’", "'")
    runs: list[list[str]] = [[]]
    end = 0
    for match in _TERM.finditer(cleaned):
        word = match[0]
        if cleaned[end : match.start()].strip():
            runs.append([])
        if word in STOP_WORDS or len(word) == 1:
            runs.append([])
        else:
            runs[-1].append(word)
        end = match.end()
    return [run for run in runs if run]
