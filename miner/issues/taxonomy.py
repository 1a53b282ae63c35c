"""What an issue can be: types, severities, areas (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

TYPES: dict[str, str] = {
    "bug": "Something does not work as it should: an error, a crash, a wrong result.",
    "friction": "It works, but costs needless steps, time or nerves.",
    "ux_confusion": "The customer does not find or understand what is there.",
    "feature_request": "The customer wishes for something that does not exist yet.",
    "documentation_gap": "Help or instructions are missing, wrong or not found.",
    "data_issue": "Data is lost, wrong, doubled or out of step.",
    "configuration": "Installation, settings, permissions or connections stand in the way.",
    "performance": "It is slow, or takes too much memory, processor or battery.",
    "other": "A product matter of none of these kinds.",
}
UNCLEAR = "unclear"  # stored where the local analyzer cannot tell; nobody chooses it

SEVERITIES: dict[str, str] = {
    "critical": "Data or money is lost, security is open, or nobody can work.",
    "high": "A main task fails and there is no way around it.",
    "medium": "A task is harmed or there is a way around it; also assumed where nothing shows more or less.",
    "low": "A blemish or a wish that can wait.",
}

AreaFinder = Callable[[str], str | None]


def area_finder(areas: Mapping[str, list[str]]) -> AreaFinder:
    """A function from a text to the area whose words stand in it most often; None: none of them does.

    `areas` are the settings: each area with the words that show it. Words count whole, without regard to case; on a
    tie the area that stands first in the settings wins.
    """
    patterns = {area: _any_of(words) for area, words in areas.items() if any(word.strip() for word in words)}

    def find(text: str) -> str | None:
        hits = {area: len(pattern.findall(text)) for area, pattern in patterns.items()}
        best = max(hits, key=hits.__getitem__, default=None)
        return best if best is not None and hits[best] else None

    return find


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    escaped = "|".join(re.escape(word.strip()) for word in words if word.strip())
    return re.compile(rf"(?<!\w)(?:{escaped})(?!\w)", re.I)
