"""From what a source sends to a ticket as we store it (pure).

Two shapes are read: Zendesk's export, with or without `comments` inline, and simple records such as
{id, subject, description, created_at}, whose common spellings are known. Anything that a source may leave out may be
missing, and an unknown word is kept; only an id, a time and one word of text are needed. Addresses are never kept:
`via` shrinks to its channel, and what an unknown key holds is dropped.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from miner.tickets.conversation import Message, read_messages
from miner.tickets.customers import CustomerData, find_customer
from miner.tickets.names import rename
from miner.tickets.text import RULES, AnalysisText, TextRules, build_text, clean_line
from miner.tickets.values import flag, line, number, prose, strings, time, web_address

UNKNOWN_STATUS = "unknown"

# Kept beside the columns: ids, words and switches, no text, no addresses.
_RAW_KEYS = (
    "assignee_id", "brand_id", "custom_status_id", "due_at", "external_id", "followup_ids", "from_messaging_channel",
    "group_id", "has_incidents", "is_public", "organization_id", "problem_id", "submitter_id", "support_type",
    "ticket_form_id", "type",
)  # fmt: skip
_API_ADDRESS = re.compile(r"(https://[A-Za-z0-9.-]+(?::\d+)?)/api/v2/tickets/(\d{1,19})\.json")


@dataclass(frozen=True, slots=True)
class CommentData:
    """One message; `start`/`end` place it in the ticket's text, None: it is private or empty."""

    position: int
    source_id: str | None
    author_kind: str
    author: str | None
    public: bool
    body: str
    created_at: dt.datetime
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class TicketData:
    """A ticket ready to be stored; the fields are the columns of `tickets`."""

    source_id: str
    zendesk_ticket_id: int | None
    url: str | None
    subject: str
    status: str
    priority: str | None
    requester: str | None
    customer: CustomerData | None
    tags: list[str]
    text: str
    text_hash: str
    text_rules: str
    people: Mapping[str, str]
    created_at: dt.datetime
    updated_at: dt.datetime
    original_created_at: dt.datetime | None
    generated_timestamp: int | None
    raw: dict[str, Any]
    comments: tuple[CommentData, ...]
    comment_count: int | None = None


def parse_ticket(
    record: Mapping[str, Any],
    *,
    source: str,
    empty: bool = False,
    columns: Mapping[str, str] | None = None,
    rules: TextRules = RULES,
    people: Mapping[str, str] | None = None,
) -> TicketData:
    """The ticket in `record`; raises ValueError naming the field that is missing or wrong, never its content.

    `empty`: a ticket without any text is one too, as in an account, whose mirror holds every ticket. `columns` says
    what our names are called in the record. `people` are names by user id that the source gives beside it.
    """
    given = rename(record, columns)
    source_id = line(given.get("id"), "id")
    if source_id is None:
        raise ValueError("id is missing")
    if given.get("status") == "deleted":
        raise ValueError("it is deleted at its source")
    created_at = time(given.get("created_at"), "created_at")
    if created_at is None:
        raise ValueError("created_at is missing")
    subject = clean_line(prose(given.get("subject"), "subject"))
    messages = read_messages(given, created_at=created_at)
    requester = _person(given.get("requester"), "requester", "email", "id", "name")
    known = _known_people(given, requester, people or {}, messages)
    built, comments = place_messages(subject, messages, rules=rules, names=known.values())
    if not empty and not subject and not any(message.body for message in messages):
        raise ValueError("it has no text: subject and description are empty")
    return TicketData(
        source_id=source_id,
        zendesk_ticket_id=number(source_id) if source.startswith("zendesk:") else None,
        url=_page(given.get("url")),
        subject=subject,
        status=line(given.get("status"), "status") or UNKNOWN_STATUS,
        priority=line(given.get("priority"), "priority"),
        requester=requester,
        customer=find_customer(
            organization=_person(given.get("organization"), "organization", "id", "name"),
            organization_name=_name(given.get("organization")),
            requester=requester,
            mail=_person(given.get("requester"), "requester", "email"),
        ),
        tags=strings(given.get("tags")),
        text=built.text,
        text_hash=built.text_hash,
        text_rules=rules.mark,
        people=known,
        created_at=created_at,
        updated_at=time(given.get("updated_at"), "updated_at") or created_at,
        original_created_at=None,
        generated_timestamp=number(given.get("generated_timestamp")),
        raw=_raw(given),
        comments=comments,
    )


def place_messages(
    subject: str, messages: Sequence[Message], *, rules: TextRules, names: Iterable[str] = ()
) -> tuple[AnalysisText, tuple[CommentData, ...]]:
    """The text of a conversation by `rules` and its messages with their places; `names` are its people's.

    A private note has no place even where it enters: what stands there is not the customer's.
    """
    entering = [(message.public or rules.private, message.body) for message in messages]
    built = build_text(subject, entering, rules.redactor(names))
    placed = (
        _placed(position, message, place if message.public else None)
        for position, (message, place) in enumerate(zip(messages, built.places, strict=True))
    )
    return built, tuple(placed)


def _placed(position: int, message: Message, place: tuple[int, int] | None) -> CommentData:
    start, end = place or (None, None)
    return CommentData(
        position,
        message.source_id,
        message.author_kind,
        message.author,
        message.public,
        message.body,
        message.created_at,
        start,
        end,
    )


def _known_people(
    given: Mapping[str, Any], requester: str | None, people: Mapping[str, str], messages: Sequence[Message]
) -> dict[str, str]:
    """{id: name} of who asked, who entered it, who handles it and who wrote, as far as the source tells their names."""
    keys = {requester, *(message.author for message in messages)}
    keys |= {line(given.get(field), field) for field in ("submitter_id", "assignee_id")}
    known = {key: people[key] for key in keys if key is not None and key in people}
    asked = given.get("requester")
    if requester is not None and isinstance(asked, Mapping) and (name := _name(asked)):
        known[requester] = name
    elif requester is not None and " " in requester:
        known[requester] = requester  # a list that knows its customers by name alone
    return known


def _person(value: Any, field: str, *keys: str) -> str | None:
    """An id or address that is given plainly or inside an object, by the first key that holds something."""
    if isinstance(value, dict):
        return next((found for key in keys if (found := line(value.get(key), field))), None)
    return line(value, field)


def _name(one: Any) -> str | None:
    """What an organization or a person is called, where the source says more than a number."""
    name = one.get("name") if isinstance(one, dict) else one
    return clean_line(name)[:255] or None if isinstance(name, str) else None


def _page(value: Any) -> str | None:
    """The address a person can open; Zendesk sends the one of its API."""
    match = _API_ADDRESS.fullmatch(value) if isinstance(value, str) else None
    return f"{match.group(1)}/agent/tickets/{match.group(2)}" if match else web_address(value)


def _raw(given: Mapping[str, Any]) -> dict[str, Any]:
    raw = {
        key: fact for key in _RAW_KEYS if (value := given.get(key)) is not None and (fact := flag(value)) is not None
    }
    via = given.get("via")
    channel = line(via.get("channel") if isinstance(via, dict) else via, "via")
    if channel:
        raw["via"] = channel
    rating = given.get("satisfaction_rating")
    if isinstance(rating, dict) and (score := flag(rating.get("score"))) is not None:
        raw["satisfaction_rating"] = score  # its comment is text and stays out
    fields = given.get("custom_fields")
    if isinstance(fields, list) and fields:
        raw["custom_fields"] = [
            {"id": flag(field.get("id")), "value": None if (value := field.get("value")) is None else flag(value)}
            for field in fields
            if isinstance(field, dict)
        ]
    return raw
