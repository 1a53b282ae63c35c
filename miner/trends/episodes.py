"""When a flag begins and ends, pure. It is raised once, stands while its rule holds, and ends 7 days after that.

A flag of the other direction ends it at once, and so does a report of what had faded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from miner.trends.wording import Verdict

QUIET_DAYS = 7
UP, DOWN = frozenset({"new", "spike", "rising", "came_back"}), frozenset({"fading", "faded"})


@dataclass
class Episode:
    """A flag of a theme. `id` None: raised just now; `ended_on` None: it stands; `told`: raised under another id."""

    theme_id: int
    kind: str
    started_on: dt.date
    last_on: dt.date
    sentence: str
    numbers: dict[str, Any] = field(default_factory=dict)
    p: float | None = None
    id: int | None = None
    ended_on: dt.date | None = None
    continues_id: int | None = None

    @property
    def stands(self) -> bool:
        return self.ended_on is None


def advance(episodes: list[Episode], verdict: Verdict, *, theme_id: int, day: dt.date) -> None:
    """What `verdict` on `day` does to the standing episodes of its theme; a raised one is added to the list."""
    for one in episodes:
        if not one.stands or day < one.last_on:
            continue
        if one.kind in verdict.holds:
            one.last_on = day
        elif one.kind == "faded" or _turned(one.kind, verdict.flag) or (day - one.last_on).days >= QUIET_DAYS:
            one.ended_on = day
    if verdict.flag and not any(one.stands and one.kind == verdict.flag for one in episodes):
        episodes.append(Episode(theme_id, verdict.flag, day, day, verdict.sentence, verdict.numbers, verdict.p))


def _turned(kind: str, flag: str | None) -> bool:
    """Whether `flag` says that what `kind` said is over."""
    return (kind in UP and flag in DOWN) or (kind in DOWN and flag in UP) or (kind == "fading" and flag == "faded")


def find_shown(episodes: Iterable[Episode], verdict: Verdict) -> Episode | None:
    """The episode that a theme shows: that of the present flag, else the last that was raised and still stands."""
    standing = [one for one in episodes if one.stands]
    present = [one for one in standing if one.kind == verdict.flag]
    return max(present or standing, key=lambda one: (one.started_on, one.id or 0), default=None)


def describe(shown: Episode | None, verdict: Verdict) -> str:
    """The sentence of the day; an episode whose rule holds no more is told with what came after it."""
    if shown is None or shown.kind == verdict.flag:
        return verdict.sentence
    return f"{shown.sentence}. Since then: {verdict.sentence[:1].lower()}{verdict.sentence[1:]}"


def inherit(
    episodes: dict[int, list[Episode]], *, heirs: dict[int, int], parents: dict[int, Sequence[int]], day: dt.date
) -> None:
    """Let standing episodes follow the issues: a merged theme's go to its heir, a split one's are told already.

    `heirs` is {retired theme: the theme that took it over}, `parents` is {theme: themes it was split from}.
    """
    for gone, heir in heirs.items():
        for one in episodes.pop(gone, []):
            if not one.stands:
                continue
            own = episodes.setdefault(heir, [])
            if any(other.stands and other.kind == one.kind for other in own):
                one.ended_on = max(day, one.last_on)
            else:
                one.theme_id = heir
            own.append(one)
    for child, many in parents.items():
        told = [one for parent in many for one in episodes.get(parent, ()) if one.stands]
        for one in episodes.get(child, ()):
            if one.id is None and one.continues_id is None:
                one.continues_id = next((other.id for other in told if other.kind == one.kind), None)
