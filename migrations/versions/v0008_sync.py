"""The Zendesk sync, complete: calls that wake it, and what becomes of an account that is no longer synced."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0008_sync"
down_revision = "v0007_money"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
