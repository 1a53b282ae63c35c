"""What a test of a connection found: one line, and what to do about it (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OK, WARNING, FAILED = "ok", "warning", "failed"
STATES = (OK, WARNING, FAILED)


@dataclass(frozen=True)
class Finding:
    """One line: `state` is ok, warning or failed."""

    state: str
    sentence: str


def worst(findings: Iterable[Finding]) -> str:
    """The state of all together."""
    return max((one.state for one in findings), key=STATES.index, default=OK)
