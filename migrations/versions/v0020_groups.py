"""An issue whose type the local analyzer cannot tell is stored as unclear."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0020_groups"
down_revision = "v0019_setup"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
