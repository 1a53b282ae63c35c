"""What was last tested of each step of setting up."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0019_setup"
down_revision = "v0018_lists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
