"""In and out: an API token, pasted once, becomes a session of this browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.http import Redirect, View
from dashboard.security.access import Access
from dashboard.security.identity import address_of, request_id_of
from miner import tokens
from miner.access import Actor
from miner.db import transaction

# One sentence for every failure, so that nobody learns which tokens exist.
NO_ENTRY = "This token does not let anybody in. It may be mistyped, revoked or expired."


def login_form(request: Request, session: Session) -> View:
    back = safe_next(request.query_params.get("next", "/"))
    return View("login.html", {"next": back, "fault": None, "nobody_can": not tokens.admin_can_log_in(session)})


def log_in(request: Request, form: dict[str, str]) -> View | Redirect:
    back = safe_next(form.get("next", "/"))
    old = request.cookies.get(_cookie(request))
    with transaction() as session:
        who = tokens.verify_token(session, form.get("token", "").strip())
        if who is not None:
            by = Actor("token", who.name, who.role, address_of(request), request_id_of(request))
            if old:
                tokens.end_session(session, old, by=by)
            agent = request.headers.get("user-agent")
            opened = tokens.open_session(session, who, address=by.address, user_agent=agent, by=by)
    if who is None:
        return View("login.html", {"next": back, "fault": NO_ENTRY, "nobody_can": False}, status=403)
    return Redirect(back, flash="logged_in", session=opened)


def log_out(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    cookie = request.cookies.get(_cookie(request))
    if cookie:
        with transaction() as session:
            tokens.end_session(session, cookie, by=by)
    return Redirect("/login", flash="logged_out", session="")


def safe_next(address: str) -> str:
    """`address` if it is a path of this site, else `/`: a login must not lead elsewhere."""
    if not address.startswith("/") or address.startswith("//") or "\\" in address or not address.isprintable():
        return "/"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    return address if not parts.scheme and not parts.netloc and len(address) <= 2000 else "/"


def _cookie(request: Request) -> str:
    access: Access = request.app.state.access
    return access.cookie
