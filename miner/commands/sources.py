"""`miner source`: what becomes of an account; `miner start-over`: again from the beginning, keeping what people did.

What takes something away says what it would do and does it with --yes.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from miner.commands.output import say, show_json, show_table
from miner.commands.work import cli_actor
from miner.db import transaction
from miner.errors import UsageError
from miner.tickets.completeness import list_accounts
from miner.tickets.starting_over import (
    analyze_again,
    clear_source,
    count_hidden,
    hide_source,
    keep_source,
    purge_hidden,
    rebuild_themes,
    remove_source,
)

NEXT_GROUPING = "themes and trends follow with the next grouping: `miner run cluster`, `miner run trends`"


def list_sources(options: Namespace) -> int:
    with transaction() as session:
        rows = [asdict(one) for one in list_accounts(session)]
    show_json(rows) if options.json else show_table(rows, ("source", "state", "tickets", "hidden", "line"))
    return 0


def keep(options: Namespace) -> int:
    with transaction() as session:
        count = keep_source(session, options.source, by=cli_actor())
    say(f"{count:,} tickets of {options.source} stay and count as before; another account may be synced now")
    return 0


def hide(options: Namespace) -> int:
    with transaction() as session:
        count = hide_source(session, options.source, by=cli_actor())
    say(f"{count:,} tickets of {options.source} no longer count")
    say(f"`miner source keep {options.source}` brings them back, and so does the next sync of that account")
    say(NEXT_GROUPING)
    return 0


def remove(options: Namespace) -> int:
    _confirm(options, f"remove every ticket of {options.source} with all that was found in them, for good")
    with transaction() as session:
        count = remove_source(session, options.source, by=cli_actor())
    say(f"{count:,} tickets of {options.source} are removed")
    say(NEXT_GROUPING)
    return 0


def clear(options: Namespace) -> int:
    _confirm(options, f"forget the text and comments of {options.source}, so that its next sync fetches all of it anew")
    with transaction() as session:
        count = clear_source(session, options.source, by=cli_actor())
    say(f"{count:,} tickets of {options.source} are cleared; `miner run pipeline` fetches and reads them again")
    say("what was found in them is set aside and comes back, with corrections and themes, when it is found again")
    return 0


def purge(options: Namespace) -> int:
    with transaction() as session:
        count = count_hidden(session, options.source)
    _confirm(options, f"remove {count:,} tickets of {options.source} whose brands are no longer kept, for good")
    with transaction() as session:
        count = purge_hidden(session, options.source, by=cli_actor())
    say(f"{count:,} hidden tickets of {options.source} are removed")
    return 0


def themes(options: Namespace) -> int:
    _confirm(options, "dissolve every theme that nobody named, gave a status or put an issue into")
    with transaction() as session:
        count = rebuild_themes(session, by=cli_actor())
    say(f"{count:,} themes are dissolved; `miner run cluster` groups their issues anew")
    return 0


def analyses(options: Namespace) -> int:
    _confirm(options, "let every ticket be read again, which costs what reading them the first time did")
    with transaction() as session:
        count = analyze_again(session, by=cli_actor())
    say(f"{count:,} tickets wait to be read again: `miner run analyze`")
    say("issues that are found again keep their themes and corrections")
    return 0


def _confirm(options: Namespace, what: str) -> None:
    if not options.yes:
        raise UsageError(f"this would {what}: say --yes to do it")
