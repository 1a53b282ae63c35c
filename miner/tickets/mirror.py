"""Writing what the export says: rows guarded by version, tombstones, hidden brands, waiting conversations.

Every function is handed a session and never commits: rows, queue and cursor go together, in the caller's unit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.tickets.exported import ExportedTicket, is_kept
from miner.tickets.people import store_people
from miner.tickets.store import store_comments, store_customers, store_rows

# The order in which conversations are fetched. A lone comment is the description, which is known already: it is fetched
# last, and not at all in an account whose counts are known to include private notes.
LIVE, BACKFILL, AGAIN, LONE = range(4)
GONE = {
    "deleted": "its ticket was deleted at the source",
    "missing": "its ticket is no longer at the source",
    "brand": "the brand of its ticket is not kept",
    "hidden": "the account of its ticket is hidden",
}


@dataclass(frozen=True, slots=True)
class PageStored:
    """What a page changed: tickets stored, of them new, left the mirror, and conversations that now wait."""

    stored: int
    new: int
    gone: int
    due: int


def store_page(
    session: Session, rows: Sequence[ExportedTicket], *, source: str, brands: Collection[int] = (), priority: int
) -> PageStored:
    """Store the rows of a page; a row that is older than what is stored changes nothing."""
    newest = {row.number: row for row in sorted(rows, key=lambda row: row.version)}
    known = _known(session, source, list(newest))
    fresh = [row for row in newest.values() if (old := known.get(row.number)) is None or row.version >= old.version]
    kept = [row for row in fresh if not row.deleted and is_kept(row, brands)]
    gone = [row for row in fresh if row.deleted and (row.number in known or is_kept(row, brands) or row.brand is None)]
    other = [row.number for row in fresh if not row.deleted and not is_kept(row, brands) and row.number in known]
    kept.sort(key=lambda row: row.ticket.source_id)  # one order of locks for all writers
    # A conversation that was fetched makes the text; until then the description does.
    fetched = [row for row in kept if (old := known.get(row.number)) and old.fetched]
    described = [row for row in kept if not ((old := known.get(row.number)) and old.fetched)]
    store_customers(session, [row.ticket for row in kept], source)
    store_people(session, {key: name for row in kept for key, name in row.ticket.people.items()}, source)
    first = store_rows(session, [row.ticket for row in described], source, back=True) if described else None
    if fetched:
        store_rows(session, [row.ticket for row in fetched], source, keep_text=True, back=True)
    store_comments(session, [row.ticket for row in described], source)
    tombstones = [row.ticket for row in sorted(gone, key=lambda row: row.ticket.source_id) if row.number not in known]
    if tombstones:
        store_rows(session, tombstones, source)
    bury(session, source, [row.number for row in gone], reason="deleted", versions=[row.version for row in gone])
    bury(session, source, other, reason="brand")
    returned = [row.ticket.source_id for row in kept if (old := known.get(row.number)) and old.gone]
    revive_issues(session, source, returned)
    due = [row for row in kept if _is_due(row, known.get(row.number))]
    for is_lone, level in ((False, priority), (True, LONE)):
        chosen = [row for row in due if _is_lone(row, known.get(row.number)) == is_lone]
        queue_conversations(session, chosen, source=source, priority=level)
    return PageStored(len(kept), first.new if first else 0, len(gone) + len(other), len(due))


@dataclass(frozen=True, slots=True)
class _Known:
    version: int
    updated_at: dt.datetime
    comment_count: int | None
    fetched: bool
    gone: bool


def _known(session: Session, source: str, numbers: Sequence[int]) -> dict[int, _Known]:
    """What is stored of these tickets; their rows are locked until the end."""
    found = session.execute(
        text("""
            SELECT zendesk_ticket_id, coalesce(generated_timestamp, 0), updated_at, comment_count,
                conversation_version IS NOT NULL, deleted_at IS NOT NULL
            FROM tickets WHERE source = :source AND source_id = ANY(:ids) ORDER BY source_id FOR UPDATE"""),
        {"source": source, "ids": [str(number) for number in numbers]},
    )
    return {row[0]: _Known(*row[1:]) for row in found}


def _is_due(row: ExportedTicket, old: _Known | None) -> bool:
    """Whether the ticket's comments must be fetched: a system's touch changes neither time nor count."""
    if old is None or old.gone:
        return True
    changed = (old.updated_at, old.comment_count) != (row.ticket.updated_at, row.ticket.comment_count)
    return changed or not (old.fetched or _is_lone(row, None))


def _is_lone(row: ExportedTicket, old: _Known | None) -> bool:
    """Whether a ticket that is new here is likely to have no more than its description.

    One that is known and has changed is always fetched: its only comment may have been made private or redacted.
    """
    return old is None and row.transcript is None and row.ticket.comment_count in (0, 1)


def queue_conversations(session: Session, rows: Sequence[ExportedTicket], *, source: str, priority: int) -> None:
    """Ask for these conversations; what waits already waits for the newer version, with the better priority."""
    if not rows:
        return
    session.execute(
        text("""
            INSERT INTO due_conversations AS due (source, ticket_number, version, priority, transcript)
            SELECT :source, number, version, :priority, transcript
            FROM unnest(CAST(:numbers AS bigint[]), CAST(:versions AS bigint[]), CAST(:transcripts AS text[]))
                AS given (number, version, transcript) ORDER BY number
            ON CONFLICT (source, ticket_number) DO UPDATE SET version = greatest(due.version, excluded.version),
                priority = least(due.priority, excluded.priority), transcript = excluded.transcript"""),
        {
            "source": source,
            "priority": priority,
            "numbers": [row.number for row in rows],
            "versions": [row.version for row in rows],
            "transcripts": [row.transcript for row in rows],
        },
    )


def bury(
    session: Session, source: str, numbers: Sequence[int], *, reason: str, versions: Sequence[int] | None = None
) -> int:
    """Take tickets out of the mirror, each once; returns how many had been in it.

    What the source deleted leaves no word behind: text, comments, and the quotes of its issues go. A hidden brand's
    words stay until somebody purges them.
    """
    if not numbers:
        return 0
    values: dict[str, Any] = {
        "source": source,
        "ids": [str(number) for number in numbers],
        "numbers": list(numbers),
        "versions": list(versions or [0] * len(numbers)),
        "reason": reason,
    }
    purge = reason != "brand"
    session.execute(
        text("DELETE FROM due_conversations WHERE source = :source AND ticket_number = ANY(:numbers)"), values
    )
    session.execute(
        text("DELETE FROM staged_comments WHERE source = :source AND ticket_number = ANY(:numbers)"), values
    )
    buried = session.scalars(text(_PURGE_TICKETS if purge else _HIDE_TICKETS), values).all()
    session.execute(text(_PURGE_ISSUES if purge else _HIDE_ISSUES), {"ids": list(buried), "why": GONE[reason]})
    if purge:
        session.execute(text("DELETE FROM ticket_comments WHERE ticket_id = ANY(:ids)"), {"ids": list(buried)})
    return len(buried)


_PURGE_TICKETS = """
    UPDATE tickets SET status = CASE :reason WHEN 'deleted' THEN 'deleted' ELSE status END,
        deleted_at = coalesce(deleted_at, now()), gone_reason = :reason, subject = '', text = '',
        text_hash = encode(sha256(''), 'hex'), requester = NULL, customer_id = NULL, tags = '{}', raw = '{}',
        conversation_version = NULL, comment_count = NULL,
        generated_timestamp = greatest(generated_timestamp, nullif(given.version, 0))
    FROM unnest(CAST(:ids AS text[]), CAST(:versions AS bigint[])) AS given (source_id, version)
    WHERE tickets.source = :source AND tickets.source_id = given.source_id
    RETURNING tickets.id"""
_HIDE_TICKETS = """
    UPDATE tickets SET deleted_at = coalesce(deleted_at, now()), gone_reason = :reason
    WHERE source = :source AND source_id = ANY(:ids) AND gone_reason IS NULL RETURNING id"""
_PURGE_ISSUES = """
    UPDATE issues SET retired_at = coalesce(retired_at, now()), retired_reason = :why, quote = '', quote_start = NULL,
        quote_end = NULL, quote_verified = false, summary = '(removed)', edited = '{}', updated_at = now(),
        severity_phrase = CASE WHEN severity_phrase IS NULL THEN NULL ELSE '(removed)' END
    WHERE ticket_id = ANY(:ids)"""
_HIDE_ISSUES = """
    UPDATE issues SET retired_at = now(), retired_reason = :why, updated_at = now()
    WHERE ticket_id = ANY(:ids) AND retired_at IS NULL"""


def revive_issues(session: Session, source: str, ids: Sequence[str]) -> None:
    """Issues that were only hidden, with the brand or the account of these tickets, count again."""
    if ids:
        session.execute(
            text("""
                UPDATE issues SET retired_at = NULL, retired_reason = NULL, updated_at = now() FROM tickets
                WHERE tickets.source = :source AND tickets.source_id = ANY(:ids) AND issues.ticket_id = tickets.id
                    AND issues.retired_reason = ANY(:hidden)"""),
            {"source": source, "ids": list(ids), "hidden": [GONE["brand"], GONE["hidden"]]},
        )
