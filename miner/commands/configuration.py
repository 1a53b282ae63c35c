"""`miner config`: what this process would start with, and everything that is wrong with it."""

from __future__ import annotations

from argparse import Namespace

from miner.commands.output import say, show_json, show_table
from miner.config import Config, describe
from miner.errors import ConfigError


def show(options: Namespace) -> int:
    """Print every variable with its source; exit code 4, with all faults, if a process would not start."""
    rows = describe()
    if options.json:
        show_json(rows)
    else:
        show_table(rows, ("variable", "value", "source"))
    try:
        Config.from_environment()
    except ConfigError as error:
        for fault in error.faults:
            say(f"miner: {fault}")
        return 4
    return 0
