"""Named views of lists, and the full text of tickets."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0018_lists"
down_revision = "v0017_weeks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
