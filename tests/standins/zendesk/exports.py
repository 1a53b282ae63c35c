"""The incremental exports: tickets by cursor and by time, ticket events, users, organizations, samples."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import urlencode

from tests.standins.zendesk.account import Account
from tests.standins.zendesk.http import Answer, Rejected, Request, text_answer
from tests.standins.zendesk.model import LIVE, Ticket
from tests.standins.zendesk.paging import decode_cursor, encode_cursor, whole_number
from tests.standins.zendesk.shapes import sideload

SCOPES = ("all", "agent", "ai_agent")
SAMPLE = 50


def tickets_by_cursor(account: Account, request: Request) -> Answer:
    """Rows after the cursor (or from start_time on) in the order of (generated_timestamp, id)."""
    place, start = _position(account, request)
    size = _page_size(account, request)
    if (refusal := _too_big(account, size)) is not None:
        return refusal
    wanted = _ticket_filter(account, request)
    rows = account.store.tickets_after(place, account.export_horizon())
    found = list(itertools.islice((one for one in rows if wanted(one)), size + 1))
    more, page = len(found) > size, found[:size]
    if page:
        after: str | None = encode_cursor(page[-1].generated, page[-1].id)
    else:
        after = request.query.get("cursor") if start is None else None
    includes = request.includes() - {"last_audits"}
    data = {
        "tickets": [_exported(account, one, includes) for one in page],
        **sideload(account.store, account.shapes, includes, page),
        "after_cursor": after,
        "after_url": _after_url(account, request, after),
        "before_cursor": None,
        "before_url": None,
        "end_of_stream": not more,
    }
    return Answer(200, data)


def tickets_by_time(account: Account, request: Request) -> Answer:
    """Rows at or after start_time; next_page repeats the last second and is never null (reference 1.3)."""
    start, size = _start_time(account, request), _page_size(account, request)
    if (refusal := _too_big(account, size)) is not None:
        return refusal
    wanted = _ticket_filter(account, request)
    rows = account.store.tickets_after((start, -1), account.export_horizon())
    found = list(itertools.islice((one for one in rows if wanted(one)), size + 1))
    page, includes = found[:size], request.includes()
    shown = [_exported(account, one, includes) for one in page]
    last = page[-1].generated if page else None
    data = _time_page(account, request, "tickets", shown, last=last, end=len(found) <= size)
    return Answer(200, data | sideload(account.store, account.shapes, includes, page))


def ticket_events(account: Account, request: Request) -> Answer:
    """One element for each update; comment bodies only with include=comment_events (reference 1.4)."""
    start, size = _start_time(account, request), _page_size(account, request)
    if (refusal := _too_big(account, size)) is not None:
        return refusal
    full = "comment_events" in request.includes()
    found = list(itertools.islice(account.store.audits_from(start, account.export_horizon()), size + 1))
    shown = [account.event(one, full=full) for one in found[:size]]
    last = found[:size][-1].timestamp if found else None
    return Answer(200, _time_page(account, request, "ticket_events", shown, last=last, end=len(found) <= size))


def users(account: Account, request: Request) -> Answer:
    return _people(account, request, "users", list(account.store.users.values()), account.shapes.user)


def organizations(account: Account, request: Request) -> Answer:
    rows = list(account.store.organizations.values())
    return _people(account, request, "organizations", rows, account.shapes.organization)


def sample(account: Account, request: Request, resource: str) -> Answer:
    """At most 50 rows in the shape of the export itself; for a test of the connection."""
    request.query["per_page"] = str(SAMPLE)
    by_name = {
        "tickets": tickets_by_time, "ticket_events": ticket_events, "users": users, "organizations": organizations,
    }  # fmt: skip
    return by_name[resource](account, request)


def _people(account: Account, request: Request, name: str, rows: list[Any], show: Any) -> Answer:
    start, size = _start_time(account, request), _page_size(account, request)
    ordered = sorted((one for one in rows if one.updated_at >= start), key=lambda one: (one.updated_at, one.id))
    page = ordered[:size]
    last = page[-1].updated_at if page else None
    data = _time_page(account, request, name, [show(one) for one in page], last=last, end=len(ordered) <= size)
    return Answer(200, data)


def _exported(account: Account, ticket: Ticket, includes: set[str]) -> dict[str, Any]:
    row = account.shapes.ticket(ticket, exported=True, bare_deleted=account.switches.deleted_rows_bare)
    if "comment_count" in includes:
        everything = account.switches.comment_count == "all"
        row["comment_count"] = sum(everything or one.public for one in ticket.comments)
    return row


def _position(account: Account, request: Request) -> tuple[tuple[int, float], int | None]:
    """Where the page starts, and the start_time when that was given."""
    cursor, given = request.query.get("cursor"), request.query.get("start_time")
    if (cursor is None) == (given is None):
        what = "Give one of start_time and cursor" if cursor is None else "start_time and cursor exclude each other"
        raise Rejected(400, {"error": "BadRequest", "description": what})
    if cursor is not None:
        return decode_cursor(cursor), None
    start = _start_time(account, request)
    return (start, -1), start


def _start_time(account: Account, request: Request) -> int:
    start = whole_number(request, "start_time", 0)
    if start is None:
        raise Rejected(400, {"error": "BadRequest", "description": "start_time is missing"})
    if account.switches.too_recent == "legacy422" and start > account.clock.now() - 300:
        text = "Too recent start_time. Use a start_time older than 5 minutes"
        raise Rejected(422, {"error": "InvalidValue", "description": text})
    if start > account.clock.now() - 60:
        raise Rejected(400, {"error": "StartTimeTooRecent", "description": "start_time must be at least 60 s ago"})
    return start


def _page_size(account: Account, request: Request) -> int:
    return min(whole_number(request, "per_page", 1) or 1000, account.switches.page_cap)


def _too_big(account: Account, size: int) -> Answer | None:
    limit = account.switches.page_too_big
    return text_answer(504, "upstream request timeout") if limit and size > limit else None


def _ticket_filter(account: Account, request: Request) -> Any:
    scope = request.query.get("support_type_scope")
    if scope is not None and (scope not in SCOPES or not account.switches.support_scope_known):
        raise Rejected(400, {"error": "BadRequest", "description": f"support_type_scope {scope} is not valid"})
    skip_deleted = request.query.get("exclude_deleted", "").lower() == "true"

    def wanted(ticket: Ticket) -> bool:
        if skip_deleted and ticket.state != LIVE:
            return False
        if not account.switches.support_scope_known:
            return True
        return scope == "all" or ticket.ai_agent == (scope == "ai_agent")

    return wanted


def _time_page(
    account: Account, request: Request, name: str, rows: list[Any], *, last: int | None, end: bool
) -> dict[str, Any]:
    start = int(request.query["start_time"])
    moment = last if last is not None else (start if account.switches.empty_time_page == "echo" else None)
    query = urlencode({**request.query, "start_time": str(start if moment is None else moment)})
    address = f"{account.shapes.base}{request.path}?{query}"
    return {name: rows, "count": len(rows), "end_time": moment, "next_page": address, "end_of_stream": end}


def _after_url(account: Account, request: Request, after: str | None) -> str | None:
    if after is None:
        return None
    kept = ("per_page", "include", "support_type_scope", "exclude_deleted")
    query = {"cursor": after}
    if account.switches.after_url_keeps_parameters:
        query |= {key: request.query[key] for key in kept if key in request.query}
    return f"{account.shapes.base}{request.path}?{urlencode(query)}"
