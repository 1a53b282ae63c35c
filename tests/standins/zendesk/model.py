"""What the account holds. Times are Unix seconds; ids are far above 2^32 where Zendesk's are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.standins.zendesk import words

LIVE, DELETED, SCRUBBED = "live", "deleted", "scrubbed"
SCRUBBED_WORD = "SCRUBBED"
REDACTION = "▇"


@dataclass(slots=True)
class User:
    id: int
    name: str
    email: str | None
    role: str = "end-user"
    organization_id: int | None = None
    tags: tuple[str, ...] = ()
    fields: dict[str, Any] | None = None
    updated_at: int = 0


@dataclass(slots=True)
class Organization:
    id: int
    name: str
    domains: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    fields: dict[str, Any] | None = None
    updated_at: int = 0


@dataclass(slots=True)
class Comment:
    """`text` None: composed from the id when it is read, which keeps a quarter of a million tickets small."""

    id: int
    author_id: int
    created_at: int
    public: bool = True
    agent: bool = False
    text: str | None = None
    kind: str = "Comment"  # or VoiceComment
    merged: tuple[int, ...] = ()  # ids of tickets merged into this one by the comment

    @property
    def body(self) -> str:
        return words.body(self.id, self.agent) if self.text is None else self.text


@dataclass(slots=True)
class Message:
    """One line of a chat or messaging transcript; it is no comment."""

    id: int
    author_id: int
    created_at: int
    agent: bool
    text: str


@dataclass(slots=True)
class Audit:
    """One update of a ticket. `comment`: what it added; `change`: (field, old, new) it made; `mark`: (event id, type,
    comment id) of a comment it redacted or made private."""

    id: int
    ticket_id: int
    timestamp: int
    updater_id: int
    channel: str
    comment: Comment | None = None
    change: tuple[str, Any, Any] | None = None
    original: str | None = None  # the comment's text before a redaction
    mark: tuple[int, str, int] | None = None


@dataclass(slots=True)
class Ticket:
    id: int
    subject: str | None
    created_at: int
    updated_at: int
    generated: int  # generated_timestamp: the version the exports order by
    requester_id: int
    brand_id: int
    status: str = "open"
    priority: str | None = None
    type: str | None = None
    assignee_id: int | None = None
    organization_id: int | None = None
    group_id: int | None = None
    channel: str = "email"
    tags: tuple[str, ...] = ()
    custom: dict[int, Any] = field(default_factory=dict)
    score: str = "unoffered"
    reopens: int = 0
    problem_id: int | None = None
    follows: int | None = None
    merged_into: int | None = None
    merged_from: tuple[int, ...] = ()
    state: str = LIVE
    status_before: str | None = None
    ai_agent: bool = False
    archived: bool = False
    comments: list[Comment] = field(default_factory=list)
    messages: list[Message] | None = None
    audits: list[int] = field(default_factory=list)
    overrides: dict[str, Any] | None = None  # keys of its JSON that differ
    absent: tuple[str, ...] = ()  # keys its JSON lacks

    @property
    def description(self) -> str | None:
        return self.comments[0].body if self.comments else None

    @property
    def shown(self) -> dict[str, Any]:
        """The overrides that its JSON shows: whatever a row is called, one that is gone says so."""
        found = self.overrides or {}
        return found if self.state == LIVE else {key: value for key, value in found.items() if key != "status"}

    @property
    def shown_brand(self) -> Any:
        return self.shown.get("brand_id", self.brand_id)
