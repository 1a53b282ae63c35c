"""`miner customers`: what is known of customers beside what the source tells."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from miner import settings
from miner.commands.output import say
from miner.commands.work import cli_actor
from miner.db import transaction
from miner.errors import UsageError
from miner.tickets.customer_facts import apply_facts, upload_customers

MOST_FAULTS = 50  # that are shown


def import_list(options: Namespace) -> int:
    """Take over a customer list from a CSV file; lines that cannot be read are named and the others taken over."""
    try:
        content = Path(options.file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{options.file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{options.file} is not UTF-8 text: save it as CSV UTF-8") from None
    with transaction() as session:
        found = upload_customers(session, content, by=cli_actor())
        changed = apply_facts(session, settings.load(session)[1].customer_fields)
    for line, reason in found.faults[:MOST_FAULTS]:
        say(f"{options.file} line {line} is not taken over: {reason}")
    if len(found.faults) > MOST_FAULTS:
        say(f"... and {len(found.faults) - MOST_FAULTS:,} more")
    say(
        f"{found.stored:,} customers listed ({found.changed:,} new or changed, {found.removed:,} no longer listed), "
        f"{len(found.faults):,} lines not taken over; {changed:,} known customers changed"
    )
    return 0
