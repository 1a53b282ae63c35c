"""Writing conversations: the comments of a ticket, its text, the merges they tell of, and the queue row that goes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.tickets.comments import join_conversation
from miner.tickets.conversation import Message
from miner.tickets.payload import CommentData, place_messages
from miner.tickets.people import list_names, store_people
from miner.tickets.store import drop_surplus_comments, store_comments
from miner.tickets.text import TextRules

MERGED = "its ticket was merged into another, where it counts"


@dataclass(frozen=True, slots=True)
class Due:
    """A conversation to be fetched, in this version. `transcript`: log, audits or None; `lone`: likely to hold no more
    than the description."""

    number: int
    version: int
    transcript: str | None = None
    lone: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole conversation: comments, transcript, the tickets that were merged into it, and names by user id."""

    due: Due
    comments: Sequence[Message]
    transcript: Sequence[Message] = ()
    merged: Sequence[int] = ()
    people: Mapping[str, str] = field(default_factory=dict)

    @property
    def authors(self) -> set[str | None]:
        return {message.author for message in (*self.comments, *self.transcript)}


@dataclass(frozen=True, slots=True)
class _Placed:
    source_id: str
    comments: tuple[CommentData, ...]


def count_due(session: Session, source: str) -> int:
    """How many conversations wait."""
    return int(
        session.scalar(text("SELECT count(*) FROM due_conversations WHERE source = :source"), {"source": source}) or 0
    )


def list_due(session: Session, source: str, *, limit: int, without: Sequence[int] = ()) -> list[Due]:
    """What waits: what changed just now first, then the newest."""
    rows = session.execute(
        text("""
            SELECT ticket_number, version, transcript, priority = 3 FROM due_conversations
            WHERE source = :source AND ticket_number <> ALL(:without)
            ORDER BY priority, version DESC, ticket_number LIMIT :limit"""),
        {"source": source, "limit": limit, "without": list(without)},
    )
    return [Due(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ConversationsStored:
    """`changed`: tickets with a new text. `with_notes`, `without_notes`: tickets whose count was seen to include their
    private notes, and not to."""

    changed: int
    with_notes: int
    without_notes: int


def store_conversations(
    session: Session, fetched: Sequence[Fetched], *, source: str, rules: TextRules
) -> ConversationsStored:
    """Store whole conversations and take them off the queue.

    What moved on meanwhile stays queued, in its newer version; what left the mirror meanwhile is left alone.
    """
    by_id = {str(one.due.number): one for one in sorted(fetched, key=lambda one: one.due.version)}
    heads = session.execute(
        text("""
            SELECT source_id, subject, requester, raw ->> 'assignee_id' AS assignee,
                raw ->> 'submitter_id' AS submitter, comment_count FROM tickets
            WHERE source = :source AND source_id = ANY(:ids) AND deleted_at IS NULL ORDER BY source_id FOR UPDATE"""),
        {"source": source, "ids": list(by_id)},
    ).all()
    store_people(session, {key: name for one in fetched for key, name in one.people.items()}, source)
    names = list_names(
        session,
        source,
        {
            head.source_id: {head.requester, head.assignee, head.submitter, *by_id[head.source_id].authors}
            for head in heads
        },
    )
    placed: list[_Placed] = []
    rows: list[dict[str, Any]] = []
    seen: Counter[bool] = Counter()
    for head in heads:
        one = by_id[head.source_id]
        messages = join_conversation(one.comments, one.transcript, requester=head.requester, assignee=head.assignee)
        row: dict[str, Any] = {"source_id": head.source_id, "version": one.due.version}
        public = sum(message.public for message in one.comments)
        if public < len(one.comments) and head.comment_count in (public, len(one.comments)):
            seen[head.comment_count == len(one.comments)] += 1
        if messages:
            built, comments = place_messages(head.subject, messages, rules=rules, names=names[head.source_id])
            placed.append(_Placed(head.source_id, comments))
            row |= {"text": built.text, "text_hash": built.text_hash, "text_rules": rules.mark}
        rows.append(row)
    if placed:
        store_comments(session, placed, source)
        drop_surplus_comments(session, placed, source)
    changed = _store_texts(session, rows, source)
    _store_merges(session, by_id.values(), source)
    session.execute(
        text("""
            DELETE FROM due_conversations AS due
            USING unnest(CAST(:numbers AS bigint[]), CAST(:versions AS bigint[])) AS done (number, version)
            WHERE due.source = :source AND due.ticket_number = done.number AND due.version <= done.version"""),
        {
            "source": source,
            "numbers": [one.due.number for one in by_id.values()],
            "versions": [one.due.version for one in by_id.values()],
        },
    )
    return ConversationsStored(changed, seen[True], seen[False])


def forget_lone(session: Session, source: str) -> int:
    """Take lone comments off the queue, in an account whose counts include private notes; returns how many."""
    known = session.scalar(
        text("SELECT counts_notes FROM sync_cursors WHERE source = :source AND lane = 'live'"), {"source": source}
    )
    if not known:
        return 0
    statement = text("DELETE FROM due_conversations WHERE source = :source AND priority = 3 RETURNING ticket_number")
    return len(session.execute(statement, {"source": source}).all())


def record_counting(session: Session, source: str, *, counts_notes: bool) -> None:
    """Remember what the account's comment counts include."""
    session.execute(
        text("UPDATE sync_cursors SET counts_notes = :known WHERE source = :source AND lane = 'live'"),
        {"source": source, "known": counts_notes},
    )


def _store_texts(session: Session, rows: Sequence[dict[str, Any]], source: str) -> int:
    found = session.scalars(
        text("""
            WITH given AS (SELECT * FROM json_to_recordset(CAST(:rows AS json))
                AS row (source_id text, version bigint, text text, text_hash text, text_rules text)),
            before AS (SELECT id, text_hash FROM tickets WHERE source = :source
                AND source_id IN (SELECT source_id FROM given))
            UPDATE tickets SET conversation_version = given.version, text = coalesce(given.text, tickets.text),
                text_hash = coalesce(given.text_hash, tickets.text_hash),
                text_rules = coalesce(given.text_rules, tickets.text_rules)
            FROM given, before
            WHERE tickets.source = :source AND tickets.source_id = given.source_id AND before.id = tickets.id
            RETURNING before.text_hash <> tickets.text_hash"""),
        {"source": source, "rows": json.dumps(rows, ensure_ascii=False)},
    ).all()
    return sum(found)


def _store_merges(session: Session, fetched: Any, source: str) -> None:
    pairs = sorted({(loser, one.due.number) for one in fetched for loser in one.merged if loser != one.due.number})
    if pairs:
        session.execute(
            text("""
                INSERT INTO ticket_merges (source, loser, target)
                SELECT :source, loser, max(target)
                FROM unnest(CAST(:losers AS bigint[]), CAST(:targets AS bigint[])) AS pair (loser, target)
                GROUP BY loser ON CONFLICT (source, loser) DO UPDATE SET target = excluded.target"""),
            {"source": source, "losers": [one for one, _ in pairs], "targets": [one for _, one in pairs]},
        )


def link_merged(session: Session, source: str) -> int:
    """Point merged tickets at their target and count what was found in them only there; returns how many are new.

    A merged ticket is not read again: its conversation is a part of the target's.
    """
    linked = session.scalars(
        text("""
            UPDATE tickets SET merged_into = merge.target FROM ticket_merges AS merge
            WHERE merge.source = :source AND tickets.source = :source AND tickets.source_id = merge.loser::text
                AND tickets.merged_into IS DISTINCT FROM merge.target RETURNING tickets.id"""),
        {"source": source},
    ).all()
    session.execute(
        text("""
            UPDATE tickets SET analyzed_at = coalesce(analyzed_at, now()), analyzed_text_hash = text_hash
            WHERE source = :source AND merged_into IS NOT NULL AND deleted_at IS NULL
                AND analyzed_text_hash IS DISTINCT FROM text_hash"""),
        {"source": source},
    )
    session.execute(
        text("""
            UPDATE issues SET retired_at = now(), retired_reason = :why, updated_at = now() FROM tickets
            WHERE tickets.source = :source AND tickets.merged_into IS NOT NULL AND issues.ticket_id = tickets.id
                AND issues.retired_at IS NULL"""),
        {"source": source, "why": MERGED},
    )
    return len(linked)
