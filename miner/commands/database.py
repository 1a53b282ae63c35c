"""`miner db`: the schema."""

from __future__ import annotations

from argparse import Namespace

from miner import schema
from miner.commands.output import say
from miner.config import Config
from miner.errors import NoDatabase


def upgrade(options: Namespace) -> int:
    """Bring the database to this release's schema; starts the embedded server for it when none is given or running."""
    config = Config.from_environment()
    try:
        schema.upgrade(config.database_url())
    except NoDatabase:
        from miner.commands.serving import database

        with database(config):
            pass
    say("The database is at this release's schema.")
    return 0
