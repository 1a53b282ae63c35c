"""In and out: a password and its second factor, or an API token, becomes a session of this browser."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import segno
from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.http import Redirect, View
from dashboard.security.access import Access
from dashboard.security.identity import address_of, request_id_of
from miner import login, passwords, second_factor, sessions, users
from miner.access import Actor
from miner.db import transaction
from miner.errors import LoginRefused
from miner.login import Doors, Visitor

_NEXT_STEP = {"code": "/login/code", "enrol": "/login/enrol"}
NO_LINK = "This link was used, replaced or is over. Ask an admin for a new one."


def login_form(request: Request, session: Session) -> View:
    back = safe_next(request.query_params.get("next", "/"))
    return _login(back, nobody_can=not users.admin_can_log_in(session))


def log_in(request: Request, form: dict[str, str]) -> View | Redirect:
    """Address and password, or a token: what the form holds."""
    back = safe_next(form.get("next", "/"))
    visitor, stage = visitor_of(request), "full"
    by_token = bool(form.get("token", "").strip())
    try:
        if by_token:
            opened = login.with_token(visitor, form["token"])
        else:
            opened, stage = login.with_password(
                doors_of(request), visitor, email=form.get("email", ""), password=form.get("password", "")
            )
    except LoginRefused as error:
        return _login(back, fault=str(error), email=form.get("email", ""), by_token=by_token, status=403)
    return _let_in(back, stage, opened)


def code_form(request: Request, session: Session) -> View | Redirect:
    back = safe_next(request.query_params.get("next", "/"))
    half = _find_half(request, session)
    if half is None or half.stage != "code":
        return Redirect("/login")
    return View("login_code.html", {"next": back, "fault": None})


def check_code(request: Request, form: dict[str, str]) -> View | Redirect:
    back = safe_next(form.get("next", "/"))
    with transaction() as session:
        half = _find_half(request, session)
    if half is None or half.stage != "code":
        return Redirect("/login")
    try:
        opened = login.with_code(doors_of(request), visitor_of(request), half, form.get("code", ""))
    except LoginRefused as error:
        return View("login_code.html", {"next": back, "fault": str(error)}, status=403)
    return _let_in(back, "full", opened)


def enrol_form(request: Request, session: Session) -> View | Redirect:
    half = _find_half(request, session)
    if half is None or half.stage != "enrol":
        return Redirect("/login")
    return _enrol(request, session, half)


def check_enrolment(request: Request, form: dict[str, str]) -> View | Redirect:
    """A first right code sets the second factor up; the recovery codes are shown here and never again."""
    with transaction() as session:
        half = _find_half(request, session)
    if half is None or half.stage != "enrol":
        return Redirect("/login")
    try:
        opened, codes = login.finish_enrolment(doors_of(request), visitor_of(request), half, form.get("code", ""))
    except LoginRefused as error:
        with transaction() as session:
            return _enrol(request, session, half, fault=str(error))
    return View("recovery_codes.html", {"codes": codes}, session=opened)


def welcome_form(request: Request, session: Session) -> View:
    key = request.query_params.get("key", "")
    return _welcome(request, session, key)


def welcome(request: Request, form: dict[str, str]) -> View | Redirect:
    """Set the password that a one-time link is for."""
    key, password = form.get("key", ""), form.get("password", "")
    with transaction() as session:
        user = users.find_by_link(session, key)
        if user is None:
            return _welcome(request, session, key)
        doors = doors_of(request)
        fault = passwords.find_fault(
            password, second_factor=doors.needs_factor(user), about=(user.name, user.email)
        ) or (None if password == form.get("again", "") else "the two are not the same")
        if fault:
            return _welcome(request, session, key, fault=fault)
    found = login.with_link(doors, visitor_of(request), key, password=password)
    if found is None:
        with transaction() as session:
            return _welcome(request, session, key)
    return _let_in("/", found[1], found[0])


def log_out(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    cookie = cookie_of(request)
    if cookie:
        with transaction() as session:
            sessions.end_session(session, cookie, by=by)
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


def cookie_of(request: Request) -> str | None:
    """The plain id of this browser's session, whatever it is worth."""
    access: Access = request.app.state.access
    return request.cookies.get(access.cookie)


def visitor_of(request: Request) -> Visitor:
    agent = request.headers.get("user-agent")
    return Visitor(address_of(request), agent, request_id_of(request), cookie_of(request))


def doors_of(request: Request) -> Doors:
    access: Access = request.app.state.access
    return access.doors


def _login(
    back: str,
    *,
    fault: str | None = None,
    email: str = "",
    by_token: bool = False,
    nobody_can: bool = False,
    status: int = 200,
) -> View:
    shown = {"next": back, "fault": fault, "email": email[:254], "by_token": by_token, "nobody_can": nobody_can}
    return View("login.html", shown, status=status)


def _let_in(back: str, stage: str, opened: str) -> Redirect:
    if stage == "full":
        return Redirect(back, flash="logged_in", session=opened)
    address = _NEXT_STEP[stage]
    return Redirect(address if back == "/" else f"{address}?{urlencode({'next': back})}", session=opened)


def _find_half(request: Request, session: Session) -> sessions.Half | None:
    cookie = cookie_of(request)
    return sessions.find_half(session, cookie) if cookie else None


def _enrol(request: Request, session: Session, half: sessions.Half, *, fault: str | None = None) -> View | Redirect:
    user = users.get_user(session, half.user_id)
    secret = login.find_secret_to_enrol(doors_of(request), user)
    if secret is None:
        return Redirect("/login")
    picture = segno.make(second_factor.address_of_secret(secret, user.email), error="m").svg_data_uri(
        border=2, light="#fff", dark="#000"
    )
    grouped = " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
    return View("login_enrol.html", {"picture": picture, "secret": grouped, "fault": fault}, 403 if fault else 200)


def _welcome(request: Request, session: Session, key: str, *, fault: str | None = None) -> View:
    user = users.find_by_link(session, key)
    if user is None:
        return View("welcome.html", {"user": None, "key": "", "fault": NO_LINK, "least": 0}, status=404)
    least = passwords.SHORTEST if doors_of(request).needs_factor(user) else passwords.SHORTEST_ALONE
    shown = {"user": users.describe(user), "key": key, "fault": fault, "least": least}
    return View("welcome.html", shown, status=422 if fault else 200)
