"""Reading with Claude: what each call used and cost, and the facts behind an issue."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0004_claude"
down_revision = "v0003_zendesk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
