"""How Alembic runs our migrations: one at a time under an advisory lock, each in its own transaction.

`miner/schema.py` hands the connection over; the `alembic` command (developers only, see alembic.ini) finds the
database as every other command does.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from miner.models import Base

# Any fixed number does; it must only be the same in every release. A session lock, since a transaction's lock would
# be gone after the first migration.
LOCK = 7_246_310_950_118


def migrate(connection: Connection) -> None:
    connection.execute(text("SET lock_timeout = '60s'"))
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    connection.commit()
    try:
        context.configure(
            connection=connection, target_metadata=Base.metadata, transaction_per_migration=True, compare_type=True
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    from miner.config import Config

    with create_engine(Config.from_environment().database_url(), poolclass=pool.NullPool).connect() as own:
        migrate(own)
