"""`miner pause` and `miner resume`: the switch for everything."""

from __future__ import annotations

import sys
from argparse import Namespace

from miner.commands.output import say, show_table
from miner.commands.work import cli_actor
from miner.db import transaction
from miner.runs.pausing import find_pause, pause_all
from miner.runs.resuming import list_what_will_run, resume_all


def pause(options: Namespace) -> int:
    with transaction() as session:
        found = pause_all(session, options.reason, by=cli_actor())
    print(f"everything is paused since {found.set_at:%Y-%m-%d %H:%M} UTC by {found.set_by}: {found.reason}")
    return 0


def resume(options: Namespace) -> int:
    """Show what will run, ask (unless `--yes`), resume."""
    with transaction() as session:
        if find_pause(session) is None:
            say("nothing is paused")
            return 0
        rows = list_what_will_run(session)
    show_table(rows, ("what", "job", "state", "at"))
    if not options.yes:
        if not sys.stdin.isatty():
            say("nothing was changed: confirm with `miner resume --yes`")
            return 2
        if input("Let this run? [y/N] ").strip().lower() not in ("y", "yes"):
            return 1
    with transaction() as session:
        resume_all(session, by=cli_actor())
    print("everything goes on")
    return 0
