"""Bringing the database to this release's schema, and telling whether it is there.

Alembic's configuration is built here from the installed `migrations` package, so it works from a wheel too.
"""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, pool


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(files("migrations")))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate up to `revision`; any number of processes may call it at once, one works and the others wait (60 s)."""
    _run(url, command.upgrade, revision)


def downgrade(url: str, revision: str) -> None:
    """Migrate down to `revision` ("base": nothing is left)."""
    _run(url, command.downgrade, revision)


def is_current(connection: Connection) -> bool:
    """Whether the database is at this release's schema."""
    heads = set(ScriptDirectory.from_config(_alembic()).get_heads())
    return set(MigrationContext.configure(connection).get_current_heads()) == heads


def _run(url: str, move: object, revision: str) -> None:
    engine = create_engine(url, poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            config = _alembic()
            config.attributes["connection"] = connection
            move(config, revision)  # type: ignore[operator]
    finally:
        engine.dispose()
