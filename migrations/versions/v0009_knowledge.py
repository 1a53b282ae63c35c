"""What the reader knows and what it never sees: redacted texts, a taxonomy, Help Center articles."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0009_knowledge"
down_revision = "v0008_sync"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
