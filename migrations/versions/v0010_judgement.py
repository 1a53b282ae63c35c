"""What people say about readings: corrections, checks; trials of another configuration; re-readings to be undone."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0010_judgement"
down_revision = "v0009_knowledge"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
