"""Which Zendesk account is synced, and what becomes of one that no longer is: kept, hidden or cleared.

Nobody's tickets vanish or double because a variable changed: the sync of another account waits until somebody has said
what becomes of those that are here.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import ConfigurationNeeded
from miner.tickets.mirror import GONE, revive_issues

SYNCED, KEPT, HIDDEN, CLEARED = "synced", "kept", "hidden", "cleared"


def refuse_other_account(session: Session, source: str) -> None:
    """Raise ConfigurationNeeded while another account is the one that is synced."""
    other = session.scalar(
        text("SELECT source FROM zendesk_accounts WHERE state = 'synced' AND source <> :source ORDER BY 1 LIMIT 1"),
        {"source": source},
    )
    if other:
        raise ConfigurationNeeded(
            f"The tickets of {other} are still here, and this is {source}: say what becomes of them with "
            f"`miner source keep {other}`, `hide` or `clear`, or set ZENDESK_SUBDOMAIN back; then this goes on"
        )


def claim_account(session: Session, source: str, *, run_id: int) -> None:
    """From now on this account is synced; what was hidden of it counts again."""
    before = session.scalar(
        text("SELECT state FROM zendesk_accounts WHERE source = :source FOR UPDATE"), {"source": source}
    )
    if before == SYNCED:
        return
    if before == HIDDEN:
        show_tickets(session, source)
    set_state(session, source, SYNCED, by=f"run {run_id}")


def set_state(session: Session, source: str, state: str, *, by: str) -> None:
    session.execute(
        text("""
            INSERT INTO zendesk_accounts (source, state, decided_by) VALUES (:source, :state, :by)
            ON CONFLICT (source) DO UPDATE
            SET state = excluded.state, decided_by = excluded.decided_by, decided_at = now()"""),
        {"source": source, "state": state, "by": by},
    )


def hide_tickets(session: Session, source: str) -> int:
    """Take the account's tickets, with their issues, out of every count and page; returns how many there were."""
    ids = session.scalars(
        text("""
            UPDATE tickets SET deleted_at = now(), gone_reason = 'hidden'
            WHERE source = :source AND deleted_at IS NULL RETURNING id"""),
        {"source": source},
    ).all()
    session.execute(
        text("""
            UPDATE issues SET retired_at = now(), retired_reason = :why, updated_at = now() FROM tickets
            WHERE tickets.source = :source AND issues.ticket_id = tickets.id AND issues.retired_at IS NULL"""),
        {"source": source, "why": GONE["hidden"]},
    )
    return len(ids)


def show_tickets(session: Session, source: str) -> int:
    """Let hidden tickets count again, with the issues that were hidden with them; returns how many."""
    ids = session.scalars(
        text("""
            UPDATE tickets SET deleted_at = NULL, gone_reason = NULL
            WHERE source = :source AND gone_reason = 'hidden' RETURNING source_id"""),
        {"source": source},
    ).all()
    revive_issues(session, source, ids)
    return len(ids)
