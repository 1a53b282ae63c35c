"""What each model is asked for, and how it counts: data by the beginning of its id (pure).

Thinking is off where that can be said: it is billed as output and extraction gains little by it. A model that is not
listed gets neither `thinking` nor `effort`, since a field that it does not know would refuse every call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SECOND_MODEL = "claude-sonnet-5-5"  # for what the first one declines to read


@dataclass(frozen=True, slots=True)
class Profile:
    """`characters_per_token` is a rough measure for estimates before a run; billing goes by what the API reports."""

    output_config: Mapping[str, Any] = field(default_factory=dict)
    thinking: Mapping[str, Any] | None = None
    characters_per_token: float = 2.7
    most_output: int = 64_000


_OFF, _LOW = {"type": "disabled"}, {"effort": "low"}
_PROFILES = (
    ("claude-haiku-5-5", Profile(_LOW, _OFF, most_output=128_000)),
    ("claude-haiku-4-5", Profile(characters_per_token=3.5)),
    ("claude-sonnet-5-5", Profile(_LOW, {"type": "between_tools"}, most_output=128_000)),
    ("claude-sonnet-5", Profile(_LOW, _OFF, most_output=128_000)),
    ("claude-sonnet-4", Profile(characters_per_token=3.5)),
    ("claude-opus-5-5", Profile(_LOW, most_output=128_000)),
    ("claude-opus-5", Profile(_LOW, _OFF, most_output=128_000)),
)


def profile_of(model: str) -> Profile:
    """The profile of `model`; the first whose name its id begins with."""
    return next((profile for name, profile in _PROFILES if model.startswith(name)), Profile())
