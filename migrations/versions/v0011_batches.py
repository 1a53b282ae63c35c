"""Message Batches: what is read at half price, written before it is sent."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0011_batches"
down_revision = "v0010_judgement"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
