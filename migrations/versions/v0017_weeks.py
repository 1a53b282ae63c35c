"""Closed weeks last as they were shown, and the week knows when somebody last looked."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0017_weeks"
down_revision = "v0016_follow"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
