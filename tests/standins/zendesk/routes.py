"""The addresses that are served, what each costs and who may ask."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.standins.zendesk import exports, help_center, reference, tickets
from tests.standins.zendesk.http import Answer

Handler = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """`budget`: the second budget it draws on, beside the account's. `resource`: what a narrow scope must name.
    `public`: anybody may ask, and nobody has to say who they are."""

    name: str
    pattern: re.Pattern[str]
    handler: Handler
    budget: str | None = None
    admin: bool = False
    resource: str = "tickets"
    listing: bool = False
    public: bool = False


def _route(name: str, path: str, handler: Handler, **rest: object) -> Route:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+?)", path)
    return Route(name, re.compile(rf"/api/v2/{pattern}(?:\.json)?"), handler, **rest)  # type: ignore[arg-type]


EXPORT = {"budget": "export", "admin": True, "listing": True}
ROUTES = (
    _route("tickets_cursor", "incremental/tickets/cursor", exports.tickets_by_cursor, **EXPORT),
    _route("tickets_time", "incremental/tickets", exports.tickets_by_time, **EXPORT),
    _route("ticket_events", "incremental/ticket_events", exports.ticket_events, **EXPORT),
    _route("organizations_time", "incremental/organizations", exports.organizations,
           **EXPORT | {"resource": "organizations"}),
    _route("users_time", "incremental/users", exports.users, budget="users", admin=True, resource="users"),
    _route("sample", r"incremental/{resource}/sample", exports.sample, budget="sample", admin=True),
    _route("show_many", "tickets/show_many", tickets.show_many, listing=True),
    _route("ticket_count", "tickets/count", tickets.count),
    _route("comments", r"tickets/{ticket}/comments", tickets.comments, listing=True),
    _route("comment_count", r"tickets/{ticket}/comments/count", tickets.comment_count),
    _route("audits", r"tickets/{ticket}/audits", tickets.audits, listing=True),
    _route("conversation_log", r"tickets/{ticket}/conversation_log", tickets.conversation_log, listing=True),
    _route("ticket", r"tickets/{ticket}", tickets.show),
    _route("deleted_tickets", "deleted_tickets", tickets.deleted, budget="deleted", admin=True, listing=True),
    _route("tickets", "tickets", tickets.listing, listing=True),
    _route("search", "search", reference.search),
    _route("ticket_fields", "ticket_fields", reference.fields),
    _route("ticket_forms", "ticket_forms", reference.forms),
    _route("custom_statuses", "custom_statuses", reference.custom_statuses),
    _route("brands", "brands", reference.brands, resource="brands"),
    _route("groups", "groups", reference.groups),
    _route("me", "users/me", reference.me, resource="users"),
    _route("users_show_many", "users/show_many", reference.users_show_many, resource="users"),
    _route("user", r"users/{number}", reference.user, resource="users"),
    _route("users", "users", reference.users, resource="users"),
    _route("organizations_show_many", "organizations/show_many", reference.organizations_show_many,
           resource="organizations"),
    _route("organization", r"organizations/{number}", reference.organization, resource="organizations"),
    _route("organizations", "organizations", reference.organizations, resource="organizations"),
    _route("help_articles", r"help_center/{locale}/articles", help_center.articles, public=True),
    _route("help_sections", r"help_center/{locale}/sections", help_center.sections, public=True),
    _route("current_token", "oauth/tokens/current", reference.current_token, resource="users"),
)  # fmt: skip
NUMBERS = ("ticket", "number")
SAMPLED = ("tickets", "ticket_events", "users", "organizations")


def find_route(path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a path with its parts; None: Zendesk has it not, or this stand-in has it not."""
    for route in ROUTES:
        found = route.pattern.fullmatch(path)
        if found is None:
            continue
        parts = found.groupdict()
        if any(key in NUMBERS and not value.isdecimal() for key, value in parts.items()):
            continue
        if parts.get("resource", SAMPLED[0]) in SAMPLED:
            return route, parts
    return None
