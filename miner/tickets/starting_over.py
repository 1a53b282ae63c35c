"""Starting over, in three separate ways, and what becomes of an account that is no longer synced.

All keep run history, audit log, corrections and links to trackers: those hang on tickets, issues and themes, whose rows
stay, so that they are there again when a ticket's text comes back. Nothing here asks: whoever calls has asked. A run
that works on the same rows right now is in the way, and named.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import NotFound, UsageError
from miner.issues.forgetting import forget_words
from miner.issues.reconcile import NOT_FOUND
from miner.runs.keys import refuse_during_work
from miner.runs.resuming import look_again
from miner.tickets import lanes
from miner.tickets.accounts import CLEARED, HIDDEN, KEPT, hide_tickets, set_state, show_tickets


def rebuild_themes(session: Session, *, by: Actor) -> int:
    """Dissolve the themes nobody touched; the next grouping makes them anew. Returns how many.

    A theme with a name, status, owner, note, link or issue that a person gave it stays as it is.
    """
    require(by, Role.admin, "rebuild the themes")
    refuse_during_work(session, "themes")
    ids = list(
        session.scalars(
            text("""
                UPDATE themes SET retired_at = now(), issue_count = 0, flag = NULL, flagged_at = NULL,
                  updated_at = now()
                WHERE retired_at IS NULL AND name_source <> 'human' AND status = 'new'
                  AND NOT EXISTS (SELECT FROM issues WHERE theme_id = themes.id AND theme_pinned)
                  AND NOT EXISTS (SELECT FROM theme_log WHERE theme_id = themes.id)
                  AND NOT EXISTS (SELECT FROM theme_contacts WHERE theme_id = themes.id)
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
    refuse_during_work(session, "analyze")
    ids = session.scalars(
        text("""
            UPDATE tickets SET analyzed_at = NULL, analyzed_text_hash = NULL
            WHERE analyzed_at IS NOT NULL AND deleted_at IS NULL AND merged_into IS NULL RETURNING id""")
    ).all()
    audit(session, by, "analyses.again", "tickets", "all", after={"tickets": len(ids)})
    return len(ids)


def clear_source(session: Session, source: str, *, by: Actor) -> int:
    """Forget the text and comments of an account and where its sync stands; its next sync fetches all of it anew.

    Tickets stay as empty rows, their issues set aside. Both come back by the ticket's id: issues when a reading finds
    them again, with their theme and corrections. Returns how many tickets were cleared; raises NotFound, UsageError.
    """
    _begin(session, source, by, "clear")
    values = {"source": source, "why": NOT_FOUND}
    reach = session.execute(
        text("""
            SELECT (SELECT covered_from FROM sync_cursors WHERE source = :source AND lane = 'live') AS covered,
              min(generated_timestamp) AS oldest, extract(epoch FROM now())::bigint AS now
            FROM tickets WHERE source = :source"""),
        values,
    ).one()
    ids = session.scalars(
        text("""
            UPDATE tickets SET deleted_at = coalesce(deleted_at, now()), gone_reason = 'cleared', subject = '',
                text = '', text_hash = encode(sha256(''), 'hex'), requester = NULL, customer_id = NULL, tags = '{}',
                raw = '{}', conversation_version = NULL, comment_count = NULL, generated_timestamp = NULL,
                analyzed_at = NULL, analyzed_text_hash = NULL
            WHERE source = :source RETURNING id"""),
        values,
    ).all()
    for statement in (
        "DELETE FROM ticket_comments USING tickets WHERE tickets.source = :source AND ticket_id = tickets.id",
        """UPDATE issues SET retired_at = now(), retired_reason = :why, updated_at = now() FROM tickets
           WHERE tickets.source = :source AND ticket_id = tickets.id AND issues.retired_at IS NULL""",
    ):
        session.execute(text(statement), values)
    forget_words(session, ids, corrections=False)
    _forget_sync(session, source)
    start = min((second for second in (reach.covered, reach.oldest) if second is not None), default=None)
    if start is not None:
        lanes.create_windows(session, source, start=start, end=reach.now, run_id=None)
    _decide(session, source, CLEARED, by, "clear", len(ids))
    return len(ids)


def keep_source(session: Session, source: str, *, by: Actor) -> int:
    """Keep an account's tickets, which count as before, while another is synced; what was hidden counts again.

    Returns how many tickets; raises NotFound, UsageError.
    """
    _begin(session, source, by, "keep")
    show_tickets(session, source)
    count = session.scalar(
        text("SELECT count(*) FROM tickets WHERE source = :source AND deleted_at IS NULL"), {"source": source}
    )
    _decide(session, source, KEPT, by, "keep", int(count or 0))
    return int(count or 0)


def hide_source(session: Session, source: str, *, by: Actor) -> int:
    """Take an account's tickets out of counts, pages, themes and trends, without removing a word; `keep_source` brings
    them back, and so does a sync of that account. Returns how many; raises NotFound, UsageError."""
    _begin(session, source, by, "hide")
    count = hide_tickets(session, source)
    _decide(session, source, HIDDEN, by, "hide", count)
    return count


def remove_source(session: Session, source: str, *, by: Actor) -> int:
    """Remove an account's tickets with all that was found in them; returns how many. Raises NotFound, UsageError."""
    _begin(session, source, by, "remove")
    ids = session.scalars(text("DELETE FROM tickets WHERE source = :source RETURNING id"), {"source": source}).all()
    _forget_sync(session, source)
    _execute_each(
        session,
        source,
        "DELETE FROM customers WHERE source = :source",
        "DELETE FROM zendesk_accounts WHERE source = :source",
        "DELETE FROM zendesk_titles WHERE source = :source",
        "DELETE FROM access_tokens WHERE source = :source",
        "DELETE FROM rate_budgets WHERE source = :source",
    )
    audit(session, by, "source.remove", "source", source, after={"tickets": len(ids)})
    look_again(session, "configuration")
    return len(ids)


def purge_hidden(session: Session, source: str, *, by: Actor) -> int:
    """Remove the tickets of brands that are no longer kept; until then they are only hidden."""
    _begin(session, source, by, "purge")
    ids = session.scalars(
        text("DELETE FROM tickets WHERE source = :source AND gone_reason = 'brand' RETURNING id"), {"source": source}
    ).all()
    audit(session, by, "source.purge_hidden", "source", source, after={"tickets": len(ids)})
    return len(ids)


def count_hidden(session: Session, source: str) -> int:
    """How many tickets wait for a decision, because their brand is no longer kept."""
    found = session.scalar(
        text("SELECT count(*) FROM tickets WHERE source = :source AND gone_reason = 'brand'"), {"source": source}
    )
    return int(found or 0)


def _begin(session: Session, source: str, by: Actor, verb: str) -> None:
    require(by, Role.admin, f"{verb} a source")
    if not source.startswith("zendesk:"):
        raise UsageError(f"{source} is not a Zendesk account: name one as zendesk:<subdomain>")
    refuse_during_work(session, "analyze", "sync", "themes")
    found = session.scalar(
        text("""
            SELECT EXISTS (SELECT FROM zendesk_accounts WHERE source = :source)
                OR EXISTS (SELECT FROM tickets WHERE source = :source)"""),
        {"source": source},
    )
    if not found:
        raise NotFound("source", source)


def _decide(session: Session, source: str, state: str, by: Actor, verb: str, tickets: int) -> None:
    set_state(session, source, state, by=str(by))
    audit(session, by, f"source.{verb}", "source", source, after={"tickets": tickets})
    look_again(session, "configuration")


def _forget_sync(session: Session, source: str) -> None:
    _execute_each(
        session,
        source,
        "DELETE FROM sync_cursors WHERE source = :source",
        "DELETE FROM due_conversations WHERE source = :source",
        "DELETE FROM staged_comments WHERE source = :source",
        "DELETE FROM ticket_merges WHERE source = :source",
        "DELETE FROM people WHERE source = :source",
    )


def _execute_each(session: Session, source: str, *statements: str) -> None:
    for statement in statements:
        session.execute(text(statement), {"source": source})
