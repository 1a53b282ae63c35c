"""Conversations in bulk: comments read from the export of ticket events, a thousand updates a call.

It draws on the export budget, the calls for single tickets on the account's, so both work at once: the single calls
from the newest ticket on, the events from the oldest. A ticket counts as complete only when all of its events have
gone by and its comments are as many as the account says; whatever is doubtful is left to the single calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import ZendeskBadPayload
from miner.tickets.comments import merged_numbers, read_comment
from miner.tickets.conversation import Message
from miner.tickets.conversations import Due, Fetched
from miner.tickets.values import number, time

_CHANGED = ("redact", "privacy")  # a comment was changed after it was written: the single call tells how it is now


@dataclass(frozen=True, slots=True)
class EventPage:
    """`rows`: (ticket, comment or event id, content), `end_time`: Unix second of the last event, None: there was none;
    `updates`, `tickets`: how many updates of how many tickets."""

    rows: tuple[tuple[int, int, dict[str, Any]], ...]
    end_time: int | None
    end: bool
    updates: int
    tickets: int


def read_events(data: Mapping[str, Any], *, roles: Mapping[str, str]) -> EventPage:
    """The comments in a page of ticket events (pure); raises ZendeskBadPayload when it is none."""
    events, end = data.get("ticket_events"), data.get("end_of_stream")
    if not isinstance(events, list) or not isinstance(end, bool):
        raise ZendeskBadPayload("Zendesk's page of ticket events lacks its rows or end_of_stream")
    rows: list[tuple[int, int, dict[str, Any]]] = []
    seen: set[int] = set()
    for event in events:
        ticket = number(event.get("ticket_id")) if isinstance(event, dict) else None
        if ticket is None:
            raise ZendeskBadPayload("Zendesk sent a ticket event without its ticket")
        seen.add(ticket)
        children = event.get("child_events")
        found = children if isinstance(children, list) else []
        rows += [(ticket, *row) for child in found if isinstance(child, dict) and (row := _row(child, event, roles))]
    return EventPage(tuple(rows), number(data.get("end_time")), end, len(events), len(seen))


def _row(
    child: Mapping[str, Any], event: Mapping[str, Any], roles: Mapping[str, str]
) -> tuple[int, dict[str, Any]] | None:
    kind = str(child.get("event_type") or child.get("type") or "")
    key = number(child.get("id"))
    if key is None:
        return None
    if any(word in kind.lower() for word in _CHANGED):
        return key, {"changed": True}
    if not kind.endswith("Comment") or child.get("body") is None:
        return None
    written = time(event.get("timestamp"), "timestamp") or time(event.get("created_at"), "created_at")
    if written is None:
        return None
    message = read_comment(child, roles=roles, created_at=written)
    content: dict[str, Any] = {
        "author": message.author,
        "kind": message.author_kind,
        "public": message.public,
        "body": message.body,
        "at": message.created_at.isoformat(),
    }
    if merged := merged_numbers(child):
        content["merged"] = merged
    return key, content


def stage_comments(session: Session, page: EventPage, *, source: str) -> None:
    """Keep the comments of tickets that wait for their conversation."""
    waiting = set(
        session.scalars(
            text("""
                SELECT ticket_number FROM due_conversations
                WHERE source = :source AND ticket_number = ANY(:touched) AND transcript IS NULL"""),
            {"source": source, "touched": sorted({ticket for ticket, _, _ in page.rows})},
        )
    )
    rows = {(ticket, key): content for ticket, key, content in page.rows if ticket in waiting}
    if not rows:
        return
    session.execute(
        text("""
            INSERT INTO staged_comments (source, ticket_number, comment_id, content)
            SELECT :source, ticket, comment, content
            FROM json_to_recordset(CAST(:rows AS json)) AS given (ticket bigint, comment bigint, content jsonb)
            ON CONFLICT (source, ticket_number, comment_id) DO UPDATE SET content = excluded.content"""),
        {
            "source": source,
            # One document: an array of them would be escaped a second time, quote by quote.
            "rows": json.dumps(
                [{"ticket": ticket, "comment": key, "content": content} for (ticket, key), content in rows.items()],
                ensure_ascii=False,
            ),
        },
    )


def take_complete(
    session: Session, page: EventPage, *, source: str, since: int, before: int, until: int
) -> list[Fetched]:
    """The conversations that this page completed, taken out of the stage.

    All events of a ticket have gone by when it was created at or after `since`, where the walk began, and its version
    lies before `until`. Comments that are all there are not enough: one may have been redacted since, which only a
    later event tells.
    """
    rows = session.execute(
        text("""
            WITH chosen AS (
              SELECT ticket_number FROM due_conversations WHERE source = :source AND ticket_number = ANY(:touched)
              UNION SELECT ticket_number FROM due_conversations
                WHERE source = :source AND version >= :before AND version < :until),
            candidate AS (
              SELECT due.ticket_number, due.version, ticket.comment_count
              FROM chosen JOIN due_conversations AS due
                  ON due.source = :source AND due.ticket_number = chosen.ticket_number
                JOIN tickets AS ticket ON ticket.zendesk_ticket_id = due.ticket_number AND ticket.source = :source
              WHERE due.version < :until AND due.transcript IS NULL AND ticket.deleted_at IS NULL
                AND ticket.comment_count > 0 AND ticket.created_at >= to_timestamp(:since)),
            counted AS (
              SELECT candidate.ticket_number, candidate.version, candidate.comment_count,
                count(*) FILTER (WHERE NOT content ? 'changed') AS comments,
                count(*) FILTER (WHERE (content ->> 'public')::boolean) AS public,
                bool_or(content ? 'changed') AS changed,
                json_agg(json_build_object('id', comment_id, 'content', content)) AS messages
              FROM candidate JOIN staged_comments AS staged
                ON staged.source = :source AND staged.ticket_number = candidate.ticket_number
              GROUP BY 1, 2, 3),
            complete AS (
              SELECT ticket_number, version, messages FROM counted
              WHERE NOT changed AND comment_count IN (comments, public)),
            gone AS (DELETE FROM staged_comments AS staged USING complete
              WHERE staged.source = :source AND staged.ticket_number = complete.ticket_number)
            SELECT ticket_number, version, messages FROM complete"""),
        {
            "source": source,
            "since": since,
            "before": before,
            "until": until,
            "touched": list({ticket for ticket, _, _ in page.rows}),
        },
    )
    return [_fetched(row.ticket_number, row.version, row.messages) for row in rows]


def _fetched(ticket: int, version: int, rows: list[dict[str, Any]]) -> Fetched:
    messages: list[Message] = []
    merged: list[int] = []
    for row in sorted(rows, key=lambda row: row["id"]):
        content = row["content"]
        at = time(content["at"], "at")
        assert at is not None  # noqa: S101 - we wrote it
        messages.append(
            Message(str(row["id"]), content["author"], content["kind"], content["public"], content["body"], at)
        )
        merged += content.get("merged", [])
    return Fetched(Due(ticket, version), messages, (), merged)


def count_eligible(session: Session, source: str, *, since: int) -> int:
    """How many waiting conversations could be completed by events from `since` on."""
    found = session.scalar(
        text("""
            SELECT count(*) FROM due_conversations AS due JOIN tickets AS ticket
              ON ticket.source = due.source AND ticket.zendesk_ticket_id = due.ticket_number
            WHERE due.source = :source AND due.transcript IS NULL AND ticket.comment_count > 1
              AND ticket.created_at >= to_timestamp(:since)"""),
        {"source": source, "since": since},
    )
    return int(found or 0)


def has_eligible(session: Session, source: str, *, since: int) -> bool:
    """Whether any is left; quick, however many wait."""
    found = session.scalar(
        text("""
            SELECT EXISTS (SELECT FROM due_conversations AS due JOIN tickets AS ticket
              ON ticket.source = due.source AND ticket.zendesk_ticket_id = due.ticket_number
            WHERE due.source = :source AND due.transcript IS NULL AND ticket.comment_count > 1
              AND ticket.created_at >= to_timestamp(:since))"""),
        {"source": source, "since": since},
    )
    return bool(found)


def find_start(session: Session, source: str) -> int | None:
    """The Unix second where the oldest waiting ticket of a backfill was created; None: none waits."""
    found = session.scalar(
        text("""
            SELECT floor(extract(epoch FROM min(ticket.created_at)))
            FROM due_conversations AS due JOIN tickets AS ticket
              ON ticket.source = due.source AND ticket.zendesk_ticket_id = due.ticket_number
            WHERE due.source = :source AND due.transcript IS NULL AND ticket.comment_count > 1"""),
        {"source": source},
    )
    return None if found is None else int(found)


def clear_stage(session: Session, source: str) -> None:
    session.execute(text("DELETE FROM staged_comments WHERE source = :source"), {"source": source})
    session.execute(text("DELETE FROM sync_cursors WHERE source = :source AND lane = 'events'"), {"source": source})
