"""The core tables, their guards, settings version 1 and the two schedules."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0001_core"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
