"""Who follows a theme up: status, owner, notes, tracker links, and which customers were told."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0016_follow"
down_revision = "v0015_second_model"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
