"""The audit log says which user or token acted, not only its name."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0013_access"
down_revision = "v0012_themes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
