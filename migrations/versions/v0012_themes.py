"""Themes that last: what each grouping moved, what waits for a decision, people's edits, and words to search by."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0012_themes"
down_revision = "v0011_batches"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
