"""The options of `miner themes ...`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any


def add_theme_commands(themes: Any, command: Callable[[Any, str, str, str], ArgumentParser]) -> None:
    """Add them to the group `themes`; `command` adds one and names its function."""
    rename = command(themes, "rename", "themes:rename", "give a theme a name that stays")
    rename.add_argument("theme", type=int)
    rename.add_argument("name")
    merge = command(themes, "merge", "themes:merge", "put a theme into another; its address leads there")
    merge.add_argument("theme", type=int)
    merge.add_argument("into", type=int)
    split = command(themes, "split", "themes:split", "make a theme of its own of some issues")
    split.add_argument("theme", type=int)
    split.add_argument("name")
    split.add_argument("issues", type=int, nargs="+", metavar="ISSUE")
    move = command(themes, "move", "themes:move", "put an issue into a theme for good; without a theme: into none")
    move.add_argument("issue", type=int)
    move.add_argument("theme", type=int, nargs="?")
    undo = command(themes, "undo", "themes:undo", "take a change back")
    undo.add_argument("change", type=int)
    proposal = command(themes, "proposal", "themes:proposal", "show the grouping that waits for a decision, or decide")
    decision = proposal.add_mutually_exclusive_group()
    decision.add_argument("--accept", action="store_true")
    decision.add_argument("--reject", action="store_true")
    proposal.add_argument("--json", action="store_true")
    preview = command(themes, "preview", "themes:preview", "how many themes a granularity would give")
    preview.add_argument("granularity", type=float, nargs="+")
    preview.add_argument("--json", action="store_true")
