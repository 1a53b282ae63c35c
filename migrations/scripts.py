"""Running the hand-written SQL beside the revisions: `run("v0001_core", "up")` executes `sql/v0001_core.up.sql`."""

from __future__ import annotations

from pathlib import Path

from alembic import op


def run(revision: str, direction: str) -> None:
    """Execute a whole file in the migration's transaction; it has no parameters, so it goes as one simple query."""
    script = Path(__file__).parent.joinpath("sql", f"{revision}.{direction}.sql").read_text(encoding="utf-8")
    op.get_bind().connection.driver_connection.execute(script)  # type: ignore[union-attr]
