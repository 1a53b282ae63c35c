"""The commands by which people judge what was read: parsing only, like `miner/cli.py`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

Group = Callable[[Any, str, str], Any]
Command = Callable[[Any, str, str, str], ArgumentParser]


def add_judgement(commands: Any, group: Group, command: Command) -> None:
    """What people say about readings, and reading again."""
    check = group(commands, "check", "the weekly check: ten reports and five answers without one")
    for name, sentence in (("draw", "draw this week's check"), ("show", "the newest check and what was judged")):
        one = command(check, name, f"judging:{name}", sentence)
        one.add_argument("--json", action="store_true")
    answer = command(check, "answer", "judging:answer", "judge an item: right, wrong_theme or wrong")
    answer.add_argument("item", type=int)
    answer.add_argument("verdict", choices=["right", "wrong_theme", "wrong"])
    listing = command(check, "scores", "judging:scores", "precision, misses and themes by settings version")
    listing.add_argument("--json", action="store_true")

    issue = group(commands, "issue", "correct what was read")
    correct = command(issue, "correct", "judging:correct", "correct an issue's type, area, severity or theme")
    correct.add_argument("id", type=int)
    for name in ("type", "area", "severity"):
        correct.add_argument(f"--{name}", help="none: no area" if name == "area" else None)
    correct.add_argument("--theme", help="a theme's id; none: no theme")
    aside = command(issue, "not-an-issue", "judging:aside", "say that it is no product issue")
    aside.add_argument("id", type=int)
    missed = command(issue, "missed", "judging:missed", "mark a passage of a ticket as an issue")
    missed.add_argument("ticket", type=int)
    missed.add_argument("passage")
    missed.add_argument("--type", required=True)
    missed.add_argument("--severity", default="medium")
    missed.add_argument("--area")
    missed.add_argument("--summary", default="")
    undo = command(issue, "undo", "judging:undo", "take a correction back")
    undo.add_argument("correction", type=int)

    evaluate = command(commands, "eval", "evaluation:evaluate", "read a labelled set, and compare two configurations")
    evaluate.add_argument("set", metavar="FILE", help="JSON lines or CSV; or the word corrections, or checks")
    spec = "local, claude or a model's id, then optionally @ and a settings file or version"
    evaluate.add_argument("--with", dest="reader", metavar="READER", help=f"{spec}; default: what is in force")
    evaluate.add_argument("--against", metavar="READER", help=f"a second one: {spec}")
    evaluate.add_argument("--yes", action="store_true", help="spend the estimated cost without asking")
    evaluate.add_argument("--json", action="store_true")

    again = command(commands, "analyze-again", "again:again", "read what was read once more: try, apply, take back")
    again.add_argument("--scope", choices=["all", "local", "older"], default="all",
                       help="all; local: read by the built-in rules; older: read otherwise than now")  # fmt: skip
    what = again.add_mutually_exclusive_group()
    what.add_argument("--sample", type=int, metavar="N", help="try N tickets, drawn at random; no issue is touched")
    what.add_argument("--report", type=int, metavar="TRIAL", help="what a trial found")
    what.add_argument("--apply", action="store_true", help="read the whole scope again; can be undone for 30 days")
    what.add_argument("--undo", type=int, metavar="ID", help="put back how everything stood before")
    again.add_argument("--here", action="store_true", help="work it in this process")
    again.add_argument("--yes", action="store_true", help="do not ask")
    again.add_argument("--json", action="store_true")
