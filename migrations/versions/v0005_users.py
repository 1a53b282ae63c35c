"""Users with passwords and second factors, their sessions and tokens, and what is counted against floods."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0005_users"
down_revision = "v0004_claude"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
