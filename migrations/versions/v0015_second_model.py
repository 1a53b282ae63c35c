"""A request of a batch may go to the second model."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0015_second_model"
down_revision = "v0014_fields"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
