"""A ticket's messages in order, the description first (pure)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from miner.tickets.values import line, prose, time

_NO = frozenset(("false", "0", "no", "private", "none", ""))


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `author_kind` is customer, agent or unknown; `body` is clean."""

    source_id: str | None
    author: str | None
    author_kind: str
    public: bool
    body: str
    created_at: dt.datetime


def read_messages(given: Mapping[str, Any], *, created_at: dt.datetime) -> list[Message]:
    """The description, then the comments by time; raises ValueError naming the field that is wrong.

    Zendesk repeats the description as the first comment: then that comment is the description, so it stands in the
    text once, and not at all when it is private.
    """
    comments = sorted(_comments(given, created_at), key=lambda message: message.created_at)
    body = prose(given.get("description"), "description")
    if comments and (not body or _same(body, comments[0].body)):
        return comments
    requester, submitter = _id(given, "requester"), _id(given, "submitter_id")
    description = Message(
        source_id=None,
        author=submitter or requester,
        author_kind="customer" if submitter in (None, requester) else "unknown",
        public=given.get("is_public", True) is not False,
        body=body,
        created_at=created_at,
    )
    return [description, *comments]


def _comments(given: Mapping[str, Any], ticket_created_at: dt.datetime) -> list[Message]:
    entries = given.get("comments") or []
    if not isinstance(entries, list):
        raise ValueError("comments is not a list")
    requester, assignee = _id(given, "requester"), _id(given, "assignee_id")
    found: list[Message] = []
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise ValueError(f"comments[{place}] is not an object")
        public = str(entry.get("public", True)).lower() not in _NO
        author = line(entry.get("author_id"), f"comments[{place}].author_id")
        found.append(
            Message(
                source_id=line(entry.get("id"), f"comments[{place}].id"),
                author=author,
                author_kind=_kind(author, public, requester, assignee),
                public=public,
                body=prose(entry.get("plain_body") or entry.get("body"), f"comments[{place}].body"),
                created_at=time(entry.get("created_at"), f"comments[{place}].created_at") or ticket_created_at,
            )
        )
    return found


def _kind(author: str | None, public: bool, requester: str | None, assignee: str | None) -> str:
    """Only agents write private notes; beyond that, an author is known by being the requester or the assignee."""
    if not public or (author is not None and author == assignee):
        return "agent"
    return "customer" if author is not None and author == requester else "unknown"


def _id(given: Mapping[str, Any], field: str) -> str | None:
    value = given.get(field)
    return line(value.get("id") if isinstance(value, dict) else value, field)


def _same(description: str, comment: str) -> bool:
    """Equal but for blanks, or one cut short (a source may shorten the description)."""
    shorter, longer = sorted((" ".join(description.split()), " ".join(comment.split())), key=len)
    return shorter == longer or (len(shorter) >= 40 and longer.startswith(shorter))
