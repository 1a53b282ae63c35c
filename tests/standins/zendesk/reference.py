"""Everything around the tickets: people, organizations, brands, fields, and the search of the old days."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from tests.standins.zendesk.account import Account
from tests.standins.zendesk.clock import iso
from tests.standins.zendesk.generate import ADMIN
from tests.standins.zendesk.http import Answer, Rejected, Request
from tests.standins.zendesk.model import LIVE, Ticket
from tests.standins.zendesk.oauth import Token
from tests.standins.zendesk.paging import page_of
from tests.standins.zendesk.shapes import ticket_fields
from tests.standins.zendesk.store import BRANDS, GROUPS, STATUSES
from tests.standins.zendesk.tickets import ids

SEARCH_CAP = 1000
FORBIDDEN = {"error": {"title": "Forbidden", "message": "You do not have access to this page. It is restricted."}}


def me(account: Account, request: Request) -> Answer:
    row = account.shapes.user(account.store.users[ADMIN])
    return Answer(200, {"user": row | {"role": account.switches.role}})


def current_token(account: Account, request: Request, token: Token | None) -> Answer:
    if token is None:
        return Answer(200, {"token": {"id": 1, "expires_at": None, "scopes": ["read", "write"]}})
    expires = None if token.expires_at is None else iso(int(token.expires_at))
    return Answer(200, {"token": {"id": 2, "expires_at": expires, "scopes": token.scope.split()}})


def user(account: Account, request: Request, number: str) -> Answer:
    found = account.store.users.get(int(number))
    if found is None:
        raise Rejected(404, {"error": "RecordNotFound", "description": "Not found"})
    return Answer(200, {"user": account.shapes.user(found)})


def organization(account: Account, request: Request, number: str) -> Answer:
    found = account.store.organizations.get(int(number))
    if found is None:
        raise Rejected(404, {"error": "RecordNotFound", "description": "Not found"})
    return Answer(200, {"organization": account.shapes.organization(found)})


def users_show_many(account: Account, request: Request) -> Answer:
    known = account.store.users
    rows = [account.shapes.user(known[number]) for number in ids(request) if number in known]
    return Answer(200, {"users": rows, "next_page": None, "previous_page": None, "count": len(rows)})


def organizations_show_many(account: Account, request: Request) -> Answer:
    known = account.store.organizations
    rows = [account.shapes.organization(known[number]) for number in ids(request) if number in known]
    return Answer(200, {"organizations": rows, "next_page": None, "previous_page": None, "count": len(rows)})


def users(account: Account, request: Request) -> Answer:
    rows = list(account.store.users.values())
    return Answer(200, page_of(request, rows, account.shapes.user, name="users", base=account.shapes.base))


def organizations(account: Account, request: Request) -> Answer:
    rows, show = list(account.store.organizations.values()), account.shapes.organization
    return Answer(200, page_of(request, rows, show, name="organizations", base=account.shapes.base))


def brands(account: Account, request: Request) -> Answer:
    return Answer(200, page_of(request, list(BRANDS), account.shapes.brand, name="brands", base=account.shapes.base))


def groups(account: Account, request: Request) -> Answer:
    return Answer(200, page_of(request, list(GROUPS), account.shapes.group, name="groups", base=account.shapes.base))


def fields(account: Account, request: Request) -> Answer:
    rows = ticket_fields(account.shapes.base)
    return Answer(200, page_of(request, rows, lambda one: one, name="ticket_fields", base=account.shapes.base))


def forms(account: Account, request: Request) -> Answer:
    if not account.switches.ticket_forms_allowed:
        raise Rejected(403, FORBIDDEN)
    rows = [{"id": 610, "name": "Default", "active": True, "default": True, "ticket_field_ids": []}]
    return Answer(200, page_of(request, rows, lambda one: one, name="ticket_forms", base=account.shapes.base))


def custom_statuses(account: Account, request: Request) -> Answer:
    rows = [{"id": number, "status_category": name, "agent_label": name.title(), "end_user_label": name.title(),
             "active": True, "default": True} for number, name in STATUSES.items()]  # fmt: skip
    return Answer(200, {"custom_statuses": rows})


def search(account: Account, request: Request) -> Answer:
    """Tickets by `created`/`updated` bounds and status: 1,000 results at most, deleted and archived ones missing."""
    query = request.query.get("query", "")
    if "type:ticket" not in query:
        raise Rejected(422, {"error": "invalid", "description": "Only type:ticket can be searched here"})
    tests = [_test(*one) for one in re.findall(r"\b(created|updated|status)([:<>]=?)(\S+)", query)]
    rows = [one for one in account.store.tickets.values() if one.state == LIVE and not one.archived]
    rows = [one for one in rows if all(test(one) for test in tests)]
    by = "updated_at" if request.query.get("sort_by") == "updated_at" else "created_at"
    rows.sort(key=lambda one: (getattr(one, by), one.id), reverse=request.query.get("sort_order") != "asc")
    page, size = int(request.query.get("page", "1")), min(int(request.query.get("per_page", "100")), 100)
    if page * size > SEARCH_CAP:
        raise Rejected(422, {"error": "invalid", "description": "Invalid search: Requested response size was greater "
                             "than Search Response Limits"})  # fmt: skip

    def shown(ticket: Ticket) -> dict[str, Any]:
        return account.shapes.ticket(ticket, exported=False) | {"result_type": "ticket"}

    request.query |= {"page": str(page), "per_page": str(size)}
    found = page_of(request, rows[:SEARCH_CAP], shown, name="results", base=account.shapes.base)
    return Answer(200, found | {"count": len(rows), "facets": None})


def _test(field: str, operator: str, given: str) -> Any:
    if field == "status":
        return lambda ticket: ticket.status == given
    try:
        parsed = dt.datetime.fromisoformat(given)
    except ValueError:
        raise Rejected(422, {"error": "invalid", "description": f"Invalid search: {given}"}) from None
    moment = parsed.replace(tzinfo=parsed.tzinfo or dt.UTC).timestamp()
    name = f"{field}_at"
    if operator.startswith("<"):
        return lambda ticket: getattr(ticket, name) <= moment if "=" in operator else getattr(ticket, name) < moment
    if operator.startswith(">"):
        return lambda ticket: getattr(ticket, name) >= moment if "=" in operator else getattr(ticket, name) > moment
    return lambda ticket: moment <= getattr(ticket, name) < moment + 86_400
