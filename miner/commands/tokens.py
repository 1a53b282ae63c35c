"""`miner tokens`: the first way to log in."""

from __future__ import annotations

import datetime as dt
from argparse import Namespace

from miner import tokens
from miner.access import Role
from miner.commands.output import say, show_json, show_table
from miner.commands.work import cli_actor
from miner.db import transaction

COLUMNS = ("id", "name", "role", "created_at", "expires_at", "last_used_at", "revoked_at")


def create(options: Namespace) -> int:
    """Print a new token, once, to standard output."""
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=options.days) if options.days else None
    role = tokens.SCOPES[options.scope] if options.scope else Role[options.role]
    with transaction() as session:
        _, plain = tokens.create_token(session, name=options.name, role=role, by=cli_actor(), expires_at=expires)
    say("The token is shown once; it is stored only as a hash:")
    print(plain)
    return 0


def list_all(options: Namespace) -> int:
    with transaction() as session:
        found = [{name: getattr(row, name) for name in COLUMNS} for row in tokens.list_tokens(session)]
    if options.json:
        show_json(found)
    else:
        show_table(found, COLUMNS)
    return 0


def revoke(options: Namespace) -> int:
    with transaction() as session:
        tokens.revoke_token(session, options.id, by=cli_actor())
    say(f"token {options.id} is revoked, with every session it opened")
    return 0
