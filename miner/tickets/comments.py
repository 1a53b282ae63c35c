"""The messages of one ticket from Zendesk's comments, conversation log, audits and events (pure).

Addresses, locations, attachments and HTML are dropped here, before anything is stored.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from miner.errors import ZendeskBadPayload
from miner.tickets.conversation import Message
from miner.tickets.text import clean_line
from miner.tickets.values import line, number, prose, time

MOST_COMMENTS = 5_000
_AGENTS = frozenset(("agent", "admin"))


@dataclass(frozen=True, slots=True)
class CommentPage:
    """`after`: the cursor of the next page, None: this was the last; `merged`: tickets that became part of this one;
    `people`: names by user id."""

    messages: tuple[Message, ...]
    after: str | None
    merged: tuple[int, ...]
    people: Mapping[str, str] = field(default_factory=dict)


def read_comments(data: Mapping[str, Any], *, created_at: dt.datetime) -> CommentPage:
    """A page of comments with its users; raises ZendeskBadPayload when it is none."""
    rows = data.get("comments")
    if not isinstance(rows, list):
        raise ZendeskBadPayload("Zendesk's page of comments lacks its rows")
    roles = read_roles(data.get("users"))
    return CommentPage(
        tuple(read_comment(row, roles=roles, created_at=created_at) for row in rows),
        next_cursor(data),
        tuple(loser for row in rows for loser in merged_numbers(row)),
        read_names(data.get("users")),
    )


def next_cursor(data: Mapping[str, Any]) -> str | None:
    """The cursor after this page; raises ZendeskBadPayload when it promises more and does not say where."""
    meta = data.get("meta")
    if not isinstance(meta, dict) or not isinstance(meta.get("has_more"), bool):
        raise ZendeskBadPayload("Zendesk's page lacks meta.has_more")
    if not meta["has_more"]:
        return None
    after = meta.get("after_cursor")
    if not isinstance(after, str) or not after:
        raise ZendeskBadPayload("Zendesk's page has more after it, but no cursor")
    return after


def read_roles(users: Any) -> dict[str, str]:
    """{user id: customer or agent}."""
    if not isinstance(users, list):
        return {}
    return {
        str(user.get("id")): "agent" if user.get("role") in _AGENTS else "customer"
        for user in users
        if isinstance(user, dict) and user.get("role")
    }


def read_names(users: Any) -> dict[str, str]:
    """{user id: name}, of those that have one."""
    if not isinstance(users, list):
        return {}
    return {
        str(user["id"]): name
        for user in users
        if isinstance(user, Mapping)
        and number(user.get("id")) is not None
        and isinstance(user.get("name"), str)
        and (name := clean_line(user["name"])[:255])
    }


def read_comment(row: Any, *, roles: Mapping[str, str], created_at: dt.datetime) -> Message:
    """One comment; its author's kind is unknown unless `roles` tells. Raises ZendeskBadPayload without an id."""
    key = number(row.get("id")) if isinstance(row, dict) else None
    if key is None:
        raise ZendeskBadPayload("Zendesk sent a comment without an id")
    try:
        author = line(row.get("author_id"), "author_id")
        body = prose(row.get("plain_body") or row.get("body"), "body")
        spoken = _transcription(row.get("data"))
        return Message(
            source_id=str(key),
            author=author,
            author_kind=roles.get(author or "", "unknown"),
            public=row.get("public") is not False,
            body=body if spoken in body else f"{body}\n\n{spoken}".strip(),
            created_at=time(row.get("created_at"), "created_at") or created_at,
        )
    except ValueError as error:
        raise ZendeskBadPayload(f"Zendesk sent a comment that cannot be read: {error}") from None


def _transcription(data: Any) -> str:
    """What was said in a call."""
    text = data.get("transcription_text") if isinstance(data, dict) else None
    return prose(text, "transcription_text") if isinstance(text, str) else ""


def merged_numbers(row: Any) -> list[int]:
    """The tickets whose merge this comment tells of."""
    via = row.get("via") if isinstance(row, dict) else None
    source = via.get("source") if isinstance(via, dict) else None
    if not isinstance(source, dict) or source.get("rel") != "merge":
        return []
    origin = source.get("from")
    origin = origin if isinstance(origin, dict) else {}
    several = origin.get("ticket_ids")
    given = [*(several if isinstance(several, list) else []), origin.get("ticket_id")]
    return [key for value in given if (key := number(value)) is not None]


def read_log(data: Mapping[str, Any], *, created_at: dt.datetime) -> CommentPage:
    """A page of a conversation log: the messages in it; the comments in it come from the comments themselves."""
    rows = data.get("events")
    if not isinstance(rows, list):
        raise ZendeskBadPayload("Zendesk's conversation log lacks its events")
    return CommentPage(tuple(_messages_of_log(rows, created_at)), next_cursor(data), ())


def _messages_of_log(rows: Sequence[Any], created_at: dt.datetime) -> Iterable[Message]:
    for row in rows:
        if not isinstance(row, dict) or "Message" not in str(row.get("type")):
            continue
        author, content = row.get("author"), row.get("content")
        author = author if isinstance(author, dict) else {}
        text = content.get("text") if isinstance(content, dict) else None
        if isinstance(text, str) and text.strip():
            yield Message(
                source_id=_message_id(row.get("reference") or row.get("id")),
                author=str(author["zen:support:user_id"]) if number(author.get("zen:support:user_id")) else None,
                author_kind={"user": "customer", "agent": "agent"}.get(str(author.get("type")), "unknown"),
                public=True,
                body=prose(text, "text"),
                created_at=time(row.get("created_at"), "created_at") or created_at,
            )


def read_audits(data: Mapping[str, Any], *, created_at: dt.datetime) -> CommentPage:
    """A page of audits: the chat transcript in it. Audits of archived tickets do not page."""
    rows = data.get("audits")
    if not isinstance(rows, list):
        raise ZendeskBadPayload("Zendesk's page of audits lacks its rows")
    messages = tuple(message for row in rows for message in _messages_of_audit(row, created_at))
    return CommentPage(messages, next_cursor(data) if data.get("meta") else None, ())


def _messages_of_audit(audit: Any, created_at: dt.datetime) -> Iterable[Message]:
    events = audit.get("events") if isinstance(audit, dict) else None
    for event in events if isinstance(events, list) else []:
        value = event.get("value") if isinstance(event, dict) and event.get("type") == "ChatStartedEvent" else None
        history = value.get("history") if isinstance(value, dict) else None
        for entry in history if isinstance(history, list) else []:
            text = entry.get("message") if isinstance(entry, dict) else None
            if isinstance(text, str) and text.strip():
                yield Message(
                    source_id=_message_id(entry.get("message_id") or entry.get("chat_index")),
                    author=str(entry["actor_id"]) if number(entry.get("actor_id")) else None,
                    author_kind={"end-user": "customer", "agent": "agent"}.get(str(entry.get("actor_type")), "unknown"),
                    public=True,
                    body=prose(text, "message"),
                    created_at=time(entry.get("timestamp"), "timestamp") or created_at,
                )


def _message_id(reference: Any) -> str:
    digits = re.search(r"\d+$", str(reference))
    return f"message:{digits.group() if digits else reference}"[:255]


def join_conversation(
    comments: Sequence[Message], transcript: Sequence[Message], *, requester: str | None, assignee: str | None
) -> list[Message]:
    """All messages by time, each once, with the authors' kinds as far as they can be told.

    A transcript that an account also shows as a comment is not repeated.
    """
    bodies = [comment.body for comment in comments]
    if transcript and any(all(message.body in body for message in transcript) for body in bodies):
        transcript = ()
    once = {message.source_id: message for message in (*comments, *transcript)}
    ordered = sorted(once.values(), key=lambda message: message.created_at)
    kinds = [_kind(message, requester, assignee) for message in ordered]
    return [
        message if message.author_kind == kind else replace(message, author_kind=kind)
        for message, kind in zip(ordered, kinds, strict=True)
    ]


def _kind(message: Message, requester: str | None, assignee: str | None) -> str:
    """Only agents write private notes; beyond that, by role, else by being the requester or the assignee."""
    if not message.public:
        return "agent"
    if message.author_kind != "unknown" or message.author is None:
        return message.author_kind
    return "customer" if message.author == requester else "agent" if message.author == assignee else "unknown"
