"""`miner source`: what becomes of an account that is no longer the configured one; `miner customers`: the list."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from miner.commands.output import say
from miner.commands.work import cli_actor
from miner.db import transaction
from miner.errors import UsageError
from miner.tickets.customer_facts import apply_facts, upload_customers
from miner.tickets.starting_over import clear_source, keep_source, purge_hidden, remove_source


def keep(options: Namespace) -> int:
    with transaction() as session:
        count = keep_source(session, options.source, by=cli_actor())
    say(f"{count:,} tickets of {options.source} stay as they are and are no longer synced")
    return 0


def remove(options: Namespace) -> int:
    _confirm(options, f"remove every ticket of {options.source} with all that was found in it")
    with transaction() as session:
        count = remove_source(session, options.source, by=cli_actor())
    say(f"{count:,} tickets of {options.source} are removed")
    return 0


def clear(options: Namespace) -> int:
    _confirm(options, f"forget every word of {options.source}, so that the next sync fetches it anew")
    with transaction() as session:
        count = clear_source(session, options.source, by=cli_actor())
    say(f"{count:,} tickets of {options.source} are cleared; corrections stay and come back with their tickets")
    return 0


def purge(options: Namespace) -> int:
    _confirm(options, f"remove the tickets of {options.source} whose brands are no longer kept")
    with transaction() as session:
        count = purge_hidden(session, options.source, by=cli_actor())
    say(f"{count:,} hidden tickets of {options.source} are removed")
    return 0


def upload(options: Namespace) -> int:
    """Take over a customer list from a CSV file."""
    try:
        content = Path(options.file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{options.file} cannot be read as UTF-8 text") from None
    from miner.settings import load

    with transaction() as session:
        found = upload_customers(session, content, by=cli_actor())
        changed = apply_facts(session, load(session)[1].customer_fields)
    for line, reason in found.faults[:50]:
        say(f"line {line} is not taken over: {reason}")
    say(f"{found.stored:,} lines are taken over, {len(found.faults):,} are not; {changed:,} customers changed")
    return 0


def _confirm(options: Namespace, what: str) -> None:
    if not options.yes:
        raise UsageError(f"this would {what}: say --yes to do it")
