"""What the pages of all lists show alike: the filter with its choices, quick ranges, views, and where numbers lead."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import parse_id_key
from dashboard.scopes import ScopeQuery, parameters_of, scope_parameters
from miner import settings, views
from miner.issues.choices import list_choices
from miner.models import Theme
from miner.tickets.queries import find_customer

RANGES = (("7 days", 7), ("4 weeks", 28), ("13 weeks", 91), ("a year", 364))


def shared(request: Request, session: Session, asked: ScopeQuery, list_: str) -> dict[str, Any]:
    """`links` are the parameters that lead from a number to its rows, without `text`: it means something else there."""
    _, values = settings.load(session)
    choices = list_choices(session)
    areas = dict.fromkeys([*values.areas, *values.components, *choices["area"]])
    return {
        "asked": asked,
        "list": list_,
        "parameters": parameters_of(asked),
        "links": scope_parameters(asked, "text"),
        "choices": choices | {"area": list(areas)},
        "ranges": list_ranges(dt.datetime.now(values.zone).date(), asked),
        "about": _about(session, asked),
        "views": views.list_views(session, of=request.state.actor, list_=list_),
        "settings": values,
    }


def list_ranges(today: dt.date, asked: ScopeQuery) -> list[tuple[str, dict[str, Any], bool]]:
    """(name, the parameters of the list in this range, whether it is chosen); a range ends today."""
    rest = parameters_of(asked, "from", "to")
    found = [
        (name, {"from": (today - dt.timedelta(days=days - 1)).isoformat(), "to": today.isoformat()})
        for name, days in RANGES
    ]
    chosen = {"from": asked.from_, "to": asked.to}
    return [
        *((name, rest | days, days == chosen) for name, days in found),
        ("all time", rest, not (asked.from_ or asked.to)),
    ]


def _about(session: Session, asked: ScopeQuery) -> list[tuple[str, str, dict[str, Any]]]:
    """(what, its name, the parameters without it) of the theme and the customer that are meant."""
    found = []
    if asked.theme:
        theme_id = parse_id_key(asked.theme)
        theme = session.get(Theme, theme_id) if theme_id else None
        name = "none yet" if asked.theme == "none" else theme.name if theme else f"{asked.theme}, which is not there"
        found.append(("Theme", name, parameters_of(asked, "theme")))
    if asked.customer:
        customer_id = parse_id_key(asked.customer)
        customer = find_customer(session, customer_id)
        name = (customer.name or customer.external_key) if customer else (
            f"{asked.customer}, who is not there" if customer_id else "unknown"
        )  # fmt: skip
        found.append(("Customer", name, parameters_of(asked, "customer")))
    return found
