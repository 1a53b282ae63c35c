"""Trends: episodes of flags, the latest look, and since when a theme is fixed."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0006_trends"
down_revision = "v0005_users"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
