"""Names of custom fields and statuses, who renews a token, and calls a minute."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0014_fields"
down_revision = "v0013_access"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
