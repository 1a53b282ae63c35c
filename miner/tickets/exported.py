"""A page of Zendesk's ticket export as tickets to be stored (pure).

Only id, status and `generated_timestamp` are needed of a row; deleted rows may have nothing else. Users, organizations,
comment counts and metrics come beside the rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from miner.errors import ZendeskBadPayload
from miner.tickets.comments import read_names
from miner.tickets.customers import CustomerData, find_customer
from miner.tickets.drift import list_unknown
from miner.tickets.payload import TicketData, parse_ticket
from miner.tickets.text import RULES, TextRules, clean_line, hash_text
from miner.tickets.values import flag, line, number, strings

DELETED = "deleted"
INCLUDE = "users,organizations,comment_count,metric_sets"
_CHATS = frozenset(("chat", "chat_transcript"))
_MESSAGING = frozenset((
    "native_messaging", "messaging", "whatsapp", "facebook", "facebook_messenger", "instagram_direct", "twitter_dm",
    "line", "wechat", "viber", "telegram", "apple_business_chat", "sms", "sunshine_conversations_api",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExportedTicket:
    """A row of the export. `transcript` says where its messaging transcript is: log, audits or None."""

    number: int
    version: int
    ticket: TicketData
    deleted: bool
    brand: int | None
    transcript: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page in its order. `after`: where the next begins; `end`: nothing newer is visible; `newest`: the highest
    version in it; `faults`: what could not be read, as (ticket number, reason); `agents`: user ids beside the rows;
    `unknown`: names of fields and statuses that are not known here, once a ticket."""

    rows: tuple[ExportedTicket, ...]
    after: str | None
    end: bool
    newest: int | None
    faults: tuple[tuple[int, str], ...]
    agents: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


def read_page(data: Mapping[str, Any], *, source: str, until: int | None = None, rules: TextRules = RULES) -> Page:
    """The page in an answer, without the rows whose version is `until` or later; `newest` still knows of them.

    Raises ZendeskBadPayload when it is no page.
    """
    rows, end = data.get("tickets"), data.get("end_of_stream")
    if not isinstance(rows, list) or not isinstance(end, bool):
        raise ZendeskBadPayload("Zendesk's page of tickets lacks its rows or end_of_stream")
    beside = _Beside(data)
    found: list[ExportedTicket] = []
    faults: list[tuple[int, str]] = []
    unknown: list[str] = []
    newest: int | None = None
    for row in rows:
        key = number(row.get("id")) if isinstance(row, dict) else None
        version = number(row.get("generated_timestamp")) if key is not None else None
        if key is None or version is None:
            raise ZendeskBadPayload("Zendesk's page of tickets has a row without id or generated_timestamp")
        newest = version if newest is None else max(newest, version)
        if until is not None and version >= until:
            continue
        try:
            unknown += list_unknown(row)
            found.append(_ticket(row, key, version, beside, source, rules))
        except ValueError as error:
            faults.append((key, str(error)))
    after = data.get("after_cursor")
    agents = frozenset(str(key) for key, user in beside.users.items() if user.get("role") in ("agent", "admin"))
    following = after if isinstance(after, str) and after else None
    return Page(tuple(found), following, end, newest, tuple(faults), agents, tuple(unknown))


class _Beside:
    """What is sideloaded: users, organizations and metrics by id."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.users = _by_id(data.get("users"), "id")
        self.organizations = _by_id(data.get("organizations"), "id")
        self.metrics = _by_id(data.get("metric_sets"), "ticket_id")
        self.names = read_names(data.get("users"))


def _by_id(rows: Any, key: str) -> dict[int, Mapping[str, Any]]:
    if not isinstance(rows, list):
        return {}
    return {row[key]: row for row in rows if isinstance(row, dict) and isinstance(row.get(key), int)}


def _ticket(
    row: Mapping[str, Any], key: int, version: int, beside: _Beside, source: str, rules: TextRules
) -> ExportedTicket:
    deleted = row.get("status") == DELETED
    if deleted:
        ticket = _tombstone(row, key, version, source)
    else:
        ticket = parse_ticket(_plain(row), source=source, empty=True, rules=rules, people=beside.names)
        metric = beside.metrics.get(key, {})
        reopens = number(metric.get("reopens"))
        ticket = replace(
            ticket,
            customer=_customer(row, beside),
            comment_count=number(row.get("comment_count")),
            raw=ticket.raw | ({"reopens": reopens} if reopens is not None else {}),
        )
    channel = ticket.raw.get("via")
    messaging = channel in _MESSAGING or row.get("from_messaging_channel") is True
    return ExportedTicket(
        number=key,
        version=version,
        ticket=ticket,
        deleted=deleted,
        brand=number(row.get("brand_id")),
        transcript="audits" if channel in _CHATS else "log" if messaging else None,
    )


def _plain(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what is no part of the text: `fields` repeats `custom_fields`."""
    return {name: value for name, value in row.items() if name not in ("fields", "comments")}


def _tombstone(row: Mapping[str, Any], key: int, version: int, source: str) -> TicketData:
    epoch = dt.datetime.fromtimestamp(version, dt.UTC).isoformat()
    bare = {"id": key, "created_at": row.get("created_at") or epoch, "updated_at": row.get("updated_at"),
            "generated_timestamp": version}  # fmt: skip
    ticket = parse_ticket(bare, source=source, empty=True)
    return replace(ticket, status=DELETED, text="", text_hash=hash_text(""), comments=())


def _customer(row: Mapping[str, Any], beside: _Beside) -> CustomerData | None:
    organization_id, requester_id = number(row.get("organization_id")), number(row.get("requester_id"))
    user = beside.users.get(requester_id or 0, {})
    organization = beside.organizations.get(organization_id or 0, {})
    name = organization.get("name")
    customer = find_customer(
        organization=str(organization_id) if organization_id is not None else None,
        organization_name=clean_line(name)[:255] or None if isinstance(name, str) else None,
        requester=str(requester_id) if requester_id is not None else None,
        mail=_mail(user.get("email")),
    )
    if customer is None:
        return None
    if customer.kind == "organization":
        return replace(customer, fields=_fields(organization, "organization_fields"))
    return replace(customer, fields=_fields(user, "user_fields") if customer.kind == "requester" else None)


def _mail(value: Any) -> str | None:
    try:
        return line(value, "email")
    except ValueError:
        return None


def _fields(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Short facts of an organization or user, its tags, and an organization's mail domains."""
    given = row.get(name)
    fields = {clean_line(key)[:255]: fact for key, value in given.items() if (fact := flag(value)) is not None} if (
        isinstance(given, dict)
    ) else {}  # fmt: skip
    tags, domains = strings(row.get("tags")), strings(row.get("domain_names"))
    return fields | ({"tags": tags} if tags else {}) | ({"domains": domains} if domains else {})


def is_kept(row: ExportedTicket, brands: Collection[int]) -> bool:
    """Whether the ticket belongs to a brand that is kept; none given: all are. A deleted row may not tell its brand."""
    return not brands or row.brand in brands
