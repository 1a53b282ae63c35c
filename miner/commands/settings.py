"""`miner settings`: what operators edit, as a file."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from miner import settings, settings_file, settings_versions
from miner.commands.output import say
from miner.commands.work import cli_actor
from miner.db import transaction
from miner.errors import InvalidArguments


def export(options: Namespace) -> int:
    """Print the settings in force."""
    with transaction() as session:
        _, found = settings.load(session)
    print(settings_file.dump(found), end="")
    return 0


def import_file(options: Namespace) -> int:
    """Store the settings of a file as a new version, unless they say what is in force already."""
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidArguments({options.file: str(reason)}) from None
    with transaction() as session:
        version, before = settings_versions.load_locked(session)
        after = settings_file.merge(text, before, reset=options.reset)
        note = options.note or "imported from a file"
        version, names = settings_versions.store(session, before, after, version=version, by=cli_actor(), note=note)
    if not names:
        say(f"nothing changes; version {version} stays in force")
        return 0
    say(f"version {version} is in force: {', '.join(names)} changed")
    return 0
