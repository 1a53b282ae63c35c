"""Money: backlogs that Claude does not read before somebody has said so."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0007_money"
down_revision = "v0006_trends"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
