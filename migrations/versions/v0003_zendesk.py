"""The Zendesk sync: windows of lanes, waiting conversations, budgets, tokens, checks, the customer list, reconcile."""

from __future__ import annotations

from migrations.scripts import run

revision = "v0003_zendesk"
down_revision = "v0002_broker"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(revision, "up")


def downgrade() -> None:
    run(revision, "down")
