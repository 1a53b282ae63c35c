"""The tables of the default broker, in the schema `dramatiq`.

The SQL comes from the pinned library itself (dramatiq-postgres 1.4.0, which creates but never upgrades), so a newer
version of it needs a migration of ours that says what changed.
"""

from __future__ import annotations

from alembic import op
from dramatiq_postgres.schema import generate_init_sql

revision = "v0002_broker"
down_revision = "v0001_core"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(generate_init_sql())  # type: ignore[union-attr]


def downgrade() -> None:
    op.execute("DROP SCHEMA dramatiq CASCADE")
