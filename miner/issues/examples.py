"""Corrections as examples for Claude: which of them, and how they read (pure).

Bounded in number and characters, the newest of each kind before a second one of any kind, and the same bytes for the
same corrections, since they stand in the cached part of the prompt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from miner.issues.answer import shorten
from miner.issues.prompt import is_suspicious

LONGEST_TEXT = 240  # characters of the customer's words
ROOM = 4_000  # characters of all examples, some 1,500 tokens


@dataclass(frozen=True, slots=True)
class Example:
    """What a customer wrote and how a person judged it.

    `right` are the corrected fields (None: it is no product issue), `wrong` what was read there; `missed`: nothing was.
    """

    key: int
    text: str
    right: Mapping[str, str | None] | None
    wrong: Mapping[str, str | None] = field(default_factory=dict)
    missed: bool = False
    ticket_id: int | None = None

    @property
    def kind(self) -> tuple[object, ...]:
        """What it teaches; examples of one kind teach the same."""
        if self.right is None:
            return ("no issue", self.wrong.get("type"))
        if self.missed:
            return ("missed", self.right.get("type"))
        return tuple((name, self.wrong.get(name), value) for name, value in sorted(self.right.items()))


def choose_examples(examples: Sequence[Example], *, most: int, room: int = ROOM) -> tuple[str, ...]:
    """The lines of at most `most` of `examples`, which come newest first, within `room` characters."""
    kinds: dict[tuple[object, ...], list[Example]] = {}
    for example in examples:
        if example.text.strip() and not is_suspicious(example.text):  # it would stand among the instructions
            kinds.setdefault(example.kind, []).append(example)
    lines: list[str] = []
    for turn in range(max(map(len, kinds.values()), default=0)):
        for same in kinds.values():
            if turn < len(same) and len(lines) < most:
                line = example_line(same[turn])
                if line not in lines and len(line) < room:
                    lines.append(line)
                    room -= len(line) + 1
    return tuple(lines)


def example_line(example: Example) -> str:
    """One JSON object on one line; its quoting cannot be left from within."""
    row: dict[str, object] = {"text": shorten(example.text, LONGEST_TEXT)}
    if example.right is None:
        row["issue"] = False
    else:
        row |= {"issue": True, **example.right}
        if wrong := {name: value for name, value in example.wrong.items() if name in example.right}:
            row["not"] = wrong
    return json.dumps(row, ensure_ascii=False, sort_keys=False)
