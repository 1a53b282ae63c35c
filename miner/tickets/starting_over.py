"""Starting over, in three separate ways, and what becomes of an account that is no longer synced.

All keep run history, audit log, corrections and links to trackers: those hang on the ticket, whose row stays, so that
they are there again when its text comes back. Nothing here asks: whoever calls has asked.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import NotFound, UsageError
from miner.issues.reconcile import NOT_FOUND


def rebuild_themes(session: Session, *, by: Actor) -> int:
    """Dissolve the themes nobody touched; the next grouping makes them anew. Returns how many.

    A theme with a name, status or issue that a person gave it stays as it is.
    """
    require(by, Role.admin, "rebuild the themes")
    ids = list(
        session.scalars(
            text("""
                UPDATE themes SET retired_at = now(), issue_count = 0, flag = NULL, flagged_at = NULL,
                  updated_at = now()
                WHERE retired_at IS NULL AND name_source <> 'human' AND status = 'new'
                  AND NOT EXISTS (SELECT FROM issues WHERE theme_id = themes.id AND theme_pinned)
                RETURNING id""")
        )
    )
    session.execute(text("UPDATE issues SET theme_id = NULL WHERE theme_id = ANY(:ids)"), {"ids": ids})
    session.execute(text("DELETE FROM theme_days WHERE theme_id = ANY(:ids)"), {"ids": ids})
    audit(session, by, "themes.rebuild", "themes", "all", after={"dissolved": len(ids)})
    return len(ids)


def analyze_again(session: Session, *, by: Actor) -> int:
    """Let every ticket be read again; issues that are found again keep their id, theme and corrections."""
    require(by, Role.admin, "analyse everything again")
    ids = session.scalars(
        text("""
            UPDATE tickets SET analyzed_at = NULL, analyzed_text_hash = NULL
            WHERE analyzed_at IS NOT NULL AND deleted_at IS NULL AND merged_into IS NULL RETURNING id""")
    ).all()
    audit(session, by, "analyses.again", "tickets", "all", after={"tickets": len(ids)})
    return len(ids)


def clear_source(session: Session, source: str, *, by: Actor) -> int:
    """Forget every word of a source and where its sync stands, so that the next sync fetches it anew.

    A ticket's row stays, empty, and so does an issue that a person corrected or pinned; both come back by their ids.
    Returns how many tickets were cleared; raises NotFound.
    """
    require(by, Role.admin, "clear a source")
    values = {"source": source, "why": NOT_FOUND}
    ids = session.scalars(
        text("""
            UPDATE tickets SET deleted_at = coalesce(deleted_at, now()), gone_reason = 'cleared', subject = '',
                text = '', text_hash = encode(sha256(''), 'hex'), requester = NULL, customer_id = NULL, tags = '{}',
                raw = '{}', conversation_version = NULL, comment_count = NULL, generated_timestamp = NULL,
                analyzed_at = NULL, analyzed_text_hash = NULL
            WHERE source = :source RETURNING id"""),
        values,
    ).all()
    if not ids:
        raise NotFound("source", source)
    for statement in (
        "DELETE FROM ticket_comments USING tickets WHERE tickets.source = :source AND ticket_id = tickets.id",
        """DELETE FROM issues USING tickets WHERE tickets.source = :source AND ticket_id = tickets.id
             AND edited = '{}' AND NOT theme_pinned""",
        """UPDATE issues SET retired_at = coalesce(retired_at, now()), retired_reason = coalesce(retired_reason, :why),
            updated_at = now() FROM tickets WHERE tickets.source = :source AND ticket_id = tickets.id""",
    ):
        session.execute(text(statement), values)
    _forget_sync(session, source)
    audit(session, by, "source.clear", "source", source, after={"tickets": len(ids)})
    return len(ids)


def keep_source(session: Session, source: str, *, by: Actor) -> int:
    """Keep an account's tickets as an archive while another account is synced; returns how many."""
    require(by, Role.admin, "keep a source")
    _require_zendesk(source)
    ids = session.scalars(
        text("UPDATE tickets SET zendesk_ticket_id = NULL WHERE source = :source RETURNING id"), {"source": source}
    ).all()
    if not ids:
        raise NotFound("source", source)
    _forget_sync(session, source)
    audit(session, by, "source.keep", "source", source, after={"tickets": len(ids)})
    return len(ids)


def remove_source(session: Session, source: str, *, by: Actor) -> int:
    """Remove an account's tickets with all that was found in them; returns how many. Raises NotFound."""
    require(by, Role.admin, "remove a source")
    _require_zendesk(source)
    ids = session.scalars(text("DELETE FROM tickets WHERE source = :source RETURNING id"), {"source": source}).all()
    if not ids:
        raise NotFound("source", source)
    session.execute(text("DELETE FROM customers WHERE source = :source"), {"source": source})
    _forget_sync(session, source)
    audit(session, by, "source.remove", "source", source, after={"tickets": len(ids)})
    return len(ids)


def purge_hidden(session: Session, source: str, *, by: Actor) -> int:
    """Remove the tickets of brands that are no longer kept; until then they are only hidden."""
    require(by, Role.admin, "purge hidden tickets")
    ids = session.scalars(
        text("DELETE FROM tickets WHERE source = :source AND gone_reason = 'brand' RETURNING id"), {"source": source}
    ).all()
    audit(session, by, "source.purge_hidden", "source", source, after={"tickets": len(ids)})
    return len(ids)


def _require_zendesk(source: str) -> None:
    if not source.startswith("zendesk:"):
        raise UsageError(f"{source} is not a Zendesk account: name one as zendesk:<subdomain>")


def _forget_sync(session: Session, source: str) -> None:
    for statement in (
        "DELETE FROM sync_cursors WHERE source = :source",
        "DELETE FROM due_conversations WHERE source = :source",
        "DELETE FROM staged_comments WHERE source = :source",
        "DELETE FROM ticket_merges WHERE source = :source",
        "DELETE FROM people WHERE source = :source",
    ):
        session.execute(text(statement), {"source": source})
