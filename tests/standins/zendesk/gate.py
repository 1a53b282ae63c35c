"""From a request to the true answer: who asks, what they may, what it costs, and the route that answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from tests.standins.zendesk.account import Account
from tests.standins.zendesk.http import HTML, Answer, Rejected, Request, text_answer
from tests.standins.zendesk.limits import Limits
from tests.standins.zendesk.oauth import REFUSED, Token
from tests.standins.zendesk.reference import FORBIDDEN
from tests.standins.zendesk.routes import Route, find_route

TOKENS = "/oauth/tokens"
NOT_FOUND = "<!DOCTYPE html><html><head><title>InvalidEndpoint</title></head><body>Not found</body></html>"


Place = tuple[Route, dict[str, str]] | None


def locate(request: Request) -> tuple[str, Place]:
    """The route's name for logs and faults (`token`, a name of routes.py, or `unknown`), and the route."""
    if request.path == TOKENS:
        return "token", None
    found = find_route(request.path)
    return (found[0].name if found else "unknown"), found


def answer(account: Account, limits: Limits, request: Request, place: Place) -> Answer:
    """The answer Zendesk would give; never raises Rejected."""
    try:
        if request.path == TOKENS:
            return _grant(account, request)
        if place is not None and place[0].public:
            return _ask(account, request, *place, None)
        if "authorization" not in request.headers:
            raise Rejected(401, REFUSED, WWW_Authenticate='Basic realm="Web Password"')
        token = account.oauth.check(request.headers["authorization"])
        if place is None:
            return limits.take(None, "unknown") or _with_limits(text_answer(404, NOT_FOUND, HTML), limits, None)
        route, parts = place
        over = limits.take(route.budget, route.name)
        return _with_limits(over or _ask(account, request, route, parts, token), limits, route)
    except Rejected as rejected:
        return rejected.answer


def _ask(account: Account, request: Request, route: Route, parts: dict[str, Any], token: Token | None) -> Answer:
    if request.method not in ("GET", "HEAD"):
        return text_answer(404, NOT_FOUND, HTML)
    try:
        if token is not None:
            _check_scope(account, route, token)
        if route.admin and account.switches.role != "admin":
            raise Rejected(403, FORBIDDEN)
        if route.name == "current_token":
            parts = {"token": token}
        return route.handler(account, request, **parts)
    except Rejected as rejected:
        return rejected.answer


def _check_scope(account: Account, route: Route, token: Token) -> None:
    """A wrong scope mints a token all the same; every call of it is 403 then (reference 1.1)."""
    scopes = set(token.scope.split())
    if "read" in scopes:
        return
    narrow = f"{route.resource}:read" in scopes
    if not narrow or (route.admin and not account.switches.narrow_scopes_open_exports):
        raise Rejected(403, {"description": "Missing the following required scopes: read"})


def _grant(account: Account, request: Request) -> Answer:
    if request.method != "POST":
        return text_answer(404, NOT_FOUND, HTML)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form: Any = dict(parse_qsl(request.body.decode()))
        if "expires_in" in form:
            form["expires_in"] = int(form["expires_in"])
    else:
        form = request.json()
    return Answer(201, account.oauth.grant(form))


def _with_limits(answer: Answer, limits: Limits, route: Route | None) -> Answer:
    answer.headers = limits.headers(listing=route is not None and route.listing) | answer.headers
    return answer
