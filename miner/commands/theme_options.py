"""The options of `miner themes ...`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from miner.models import THEME_STATUSES
from miner.themes.tracker import FORMATS


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
    _add_following(themes, command)
    proposal = command(themes, "proposal", "themes:proposal", "show the grouping that waits for a decision, or decide")
    decision = proposal.add_mutually_exclusive_group()
    decision.add_argument("--accept", action="store_true")
    decision.add_argument("--reject", action="store_true")
    proposal.add_argument("--json", action="store_true")
    preview = command(themes, "preview", "themes:preview", "how many themes a granularity would give")
    preview.add_argument("granularity", type=float, nargs="+")
    preview.add_argument("--json", action="store_true")


def _add_following(themes: Any, command: Callable[[Any, str, str, str], ArgumentParser]) -> None:
    """What is done about a theme, and its text for a tracker."""
    status = command(themes, "status", "following:status", "say what is done about a theme")
    status.add_argument("theme", type=int)
    status.add_argument("status", choices=THEME_STATUSES)
    status.add_argument("--at", dest="fixed_at", help="fixed: when the fix reached customers, in the workspace's zone")
    status.add_argument("--version", help="fixed: the version that has the fix")
    owner = command(themes, "owner", "following:owner", "say who looks after a theme; without a name: nobody")
    owner.add_argument("theme", type=int)
    owner.add_argument("name", nargs="?")
    note = command(themes, "note", "following:note", "write something down about a theme")
    note.add_argument("theme", type=int)
    note.add_argument("text")
    link = command(themes, "link", "following:link", "say where the work on a theme is tracked")
    link.add_argument("theme", type=int)
    link.add_argument("url")
    link.add_argument("title", nargs="?", default="")
    back = command(themes, "set-back", "following:set_back", "take back a status, an owner, a note or a link")
    back.add_argument("line", type=int)
    tracker = command(themes, "tracker", "following:tracker", "print a theme as the text of a tracker's item")
    tracker.add_argument("theme", type=int)
    tracker.add_argument("--format", choices=FORMATS, default="markdown")
    tracker.add_argument("--names", action="store_true", help="with the names of customers")
