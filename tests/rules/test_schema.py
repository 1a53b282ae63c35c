"""The migrations and the models say the same, in both directions."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from miner import schema
from miner.models import Base
from tests.conftest import named

CATALOG = {
    "columns": """
        SELECT table_name || '.' || column_name,
            concat_ws(' ', data_type, udt_name, is_nullable, column_default, is_identity, identity_generation)
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'""",
    "constraints": """
        SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conrelid <> 0 AND contype <> 't'
            AND conrelid::regclass::text <> 'alembic_version'""",
    "indexes": """
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'""",
}


def read(connection: Connection) -> dict[str, dict[str, str]]:
    return {name: dict(connection.execute(text(query)).all()) for name, query in CATALOG.items()}  # type: ignore[arg-type]


@pytest.fixture
def empty(server_url: str, admin: Engine) -> Iterator[str]:
    name = f"empty_{os.getpid()}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield named(server_url, name)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_the_migrated_schema_is_the_one_the_models_describe(empty: str, database: str) -> None:
    modelled, migrated = create_engine(empty), create_engine(database)
    with modelled.begin() as connection:
        Base.metadata.create_all(connection)
        expected = read(connection)
    with migrated.connect() as connection:
        found = read(connection)
    modelled.dispose()
    migrated.dispose()
    differing = {
        key: (found[kind].get(key), expected[kind].get(key))
        for kind in CATALOG
        for key in found[kind].keys() | expected[kind].keys()
        if found[kind].get(key) != expected[kind].get(key)
    }
    assert differing == {}


def test_every_migration_can_be_taken_back(empty: str) -> None:
    schema.upgrade(empty)
    engine = create_engine(empty)
    with engine.connect() as connection:
        assert schema.is_current(connection)
    schema.downgrade(empty, "base")
    with engine.connect() as connection:
        assert not schema.is_current(connection)
        left = connection.execute(
            text("""
                SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
                    AND relname NOT LIKE 'alembic_version%'
                UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'dramatiq'""")
        ).all()
        assert left == []
    schema.upgrade(empty)
    engine.dispose()


def test_every_column_has_its_sentence() -> None:
    silent = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if not column.doc and not column.primary_key
    ]
    assert silent == []


def test_the_audit_log_only_grows(database: str) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO audit_log (actor_kind, actor_name, action, object_kind, object_id)
                VALUES ('code', 'tester', 'run.create', 'run', '1')""")
        )
    for change in ("UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(change))
    engine.dispose()


def test_the_schedules_exist_from_the_first_migration_and_are_on(database: str) -> None:
    engine = create_engine(database)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT id, job_name, cron, paused_at FROM schedules ORDER BY id")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [
        ("daily_sync", "pipeline", "0 2 * * *", None),
        ("hourly_trends", "trends", "0 * * * *", None),
        ("nightly_retention", "retention", "40 3 * * *", None),
        ("weekly_help_center", "help_center", "20 3 * * 0", None),
        ("weekly_reconcile", "reconcile", "30 4 * * 0", None),
    ]
