"""Who is affected by a theme: the customers, who of them is to be contacted or was told, and what to write to them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import AffectedQuery, parse_id, read_query
from dashboard.http import Cut, Redirect, View
from miner import settings
from miner.access import Actor
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.issues.scope import UNKNOWN, Scope
from miner.models import Theme
from miner.themes import contacts
from miner.themes import queries as themes
from miner.themes.letter import draft_reply
from miner.tickets.affected import CustomerLine, list_affected

PAGE = 50


def customer_list(request: Request, session: Session) -> View:
    """The customers of a theme; once it is fixed, those to tell, each with a draft."""
    one = themes.get_theme(session, request.path_params["id"])
    asked = read_query(request, AffectedQuery)
    found = list_affected(
        session, scope=Scope(theme=one.id), sort=asked.sort or "revenue", after=asked.after or None, limit=PAGE + 1
    )
    rows, more = found.rows[:PAGE], found.rows[PAGE:]
    ids = [row.id for row in rows]
    zone = settings.load(session)[1].zone
    refs = contacts.list_ticket_refs(session, one.id, customer_ids=ids)
    return View(
        "themes/customers.html",
        {
            "theme": one,
            "asked": asked,
            "found": Cut(rows, rows[-1].key if more else None),
            "total": found.total,
            "told": contacts.count_told(session, one),
            "unknown": contacts.count_unknown(session, one.id),
            "unknown_name": UNKNOWN,
            "contacts": contacts.list_contacts(session, one.id, customer_ids=ids),
            "refs": refs,
            "drafts": {row.id: _draft(one, row, refs.get(row.id, []), zone) for row in rows} if one.fixed_at else {},
        },
    )


def mark(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Note that a customer is to be contacted, or was told; `state` is the button that was pressed."""
    theme_id, customer_id = request.path_params["id"], parse_id(form.get("customer", ""))
    if customer_id is None:
        raise InvalidArguments({"customer": "it is not the id of a customer"})
    with transaction() as session:
        contacts.mark_contact(session, theme_id, customer_id=customer_id, state=form.get("state", ""), by=by)
    sort = form.get("sort", "")
    back = f"?sort={sort}" if sort in ("open", "recent") else ""
    return Redirect(f"/themes/{theme_id}/customers{back}#customer-{customer_id}", flash="contact_set")


def _draft(theme: Theme, row: CustomerLine, refs: list[contacts.TicketRef], zone: Any) -> str:
    assert theme.fixed_at is not None  # noqa: S101 - asked only of a fixed theme
    numbers = [ref.number for ref in refs if ref.number is not None]
    fixed: dt.datetime = theme.fixed_at.astimezone(zone)
    return draft_reply(numbers=numbers, quote=row.quote, fixed_at=fixed, version=theme.fixed_version)
