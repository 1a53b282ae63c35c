"""One's own account: password, second factor, sessions and tokens."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import parse_days
from dashboard.http import Redirect, View
from dashboard.pages.login import cookie_of, doors_of, visitor_of
from miner import login, passwords, sessions, throttle, tokens, users
from miner.access import Actor, Role
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.models import User
from miner.tokens import SCOPES

NOT_YOURS = "this is for users who log in with a password"


def account(request: Request, session: Session) -> View:
    return View("account.html", _shown(request, session))


def change_password(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """Every other session of the user ends, and this one gets a new id."""
    password = form.get("password", "")
    doors = doors_of(request)
    user = _prove(request, form.get("current", ""), by)
    fault = None
    if user is None:
        fault = ("current", login.WRONG_PASSWORD)
    elif found := passwords.find_fault(password, second_factor=doors.needs_factor(user), about=(user.name, user.email)):
        fault = ("password", found)
    elif password != form.get("again", ""):
        fault = ("again", "the two are not the same")
    if fault:
        return _again(request, dict([fault]))
    stored = passwords.hash_password(password)
    assert by.user_id is not None  # noqa: S101 - it was proved
    with transaction() as session:
        user = users.get_user(session, by.user_id, lock=True)
        users.set_password(session, user, password_hash=stored, by=by)
        visitor = visitor_of(request)
        opened = sessions.open_session(
            session, users.identity_of(user), address=visitor.address, user_agent=visitor.user_agent, by=by
        )
    return Redirect("/account", flash="password_changed", session=opened)


def change_second_factor(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """Set the second factor up, or another one, after the password was given once more."""
    user = _prove(request, form.get("current", ""), by)
    if user is None:
        return _again(request, {"factor": login.WRONG_PASSWORD})
    opened = login.set_up_anew(doors_of(request), visitor_of(request), user.id, by=by)
    return Redirect("/login/enrol", session=opened)


def end_session(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        sessions.end_listed(session, form.get("session", ""), user_id=_own_id(by), by=by)
    return Redirect("/account", flash="session_ended")


def end_other_sessions(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        sessions.end_sessions(session, user_id=_own_id(by), by=by, but=cookie_of(request))
    return Redirect("/account", flash="session_ended")


def token_list(request: Request, session: Session) -> View:
    return View("tokens.html", _tokens(request, session))


def create_token(request: Request, form: dict[str, str], by: Actor) -> View:
    """The new token's plain text is on the page that answers, and nowhere else ever again."""
    faults = {}
    scope, days = form.get("scope", ""), parse_days(form.get("days", ""))
    if scope not in SCOPES:
        faults["scope"] = "choose read, run or admin"
    if days is None:
        faults["days"] = "a whole number from 1 to 365 is needed"
    with transaction() as session:
        plain = None
        if not faults and days is not None:
            expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
            try:
                _, plain = tokens.create_token(
                    session, name=form.get("name", ""), role=SCOPES[scope], by=by, expires_at=expires
                )
            except InvalidArguments as error:
                faults.update(error.fields)
        return View("tokens.html", _tokens(request, session, plain=plain, faults=faults), 422 if faults else 200)


def revoke_token(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        tokens.revoke_token(session, form.get("token", "")[:20], by=by)
    return Redirect("/tokens", flash="token_revoked")


def _shown(request: Request, session: Session, faults: dict[str, str] | None = None) -> dict[str, Any]:
    actor: Actor = request.state.actor
    own = actor.kind == "user" and actor.user_id is not None
    user = users.get_user(session, actor.user_id) if own and actor.user_id else None
    doors = doors_of(request)
    return {
        "user": users.describe(user) if user else None,
        "recovery_left": len(user.recovery_hashes) if user else 0,
        "factor_needed": doors.second_factor and actor.role >= Role.operator,
        "least": passwords.SHORTEST if user and doors.needs_factor(user) else passwords.SHORTEST_ALONE,
        "sessions": sessions.list_sessions(session, user_id=user.id, this=cookie_of(request)) if user else [],
        "faults": faults or {},
    }


def _again(request: Request, faults: dict[str, str]) -> View:
    with transaction() as session:
        return View("account.html", _shown(request, session, faults), status=422)


def _prove(request: Request, password: str, by: Actor) -> User | None:
    """The user who acts if this is their password, counted like a login; raises TooMany."""
    with transaction() as session:
        user = users.get_user(session, _own_id(by))
        keys = throttle.login_keys(user.email, by.address)
        throttle.count_try(session, keys)
    if not passwords.verify_password(user.password_hash, password):
        return None
    with transaction() as session:
        throttle.forgive(session, keys)
    return user


def _own_id(by: Actor) -> int:
    if by.kind != "user" or by.user_id is None:
        raise InvalidArguments({"account": NOT_YOURS})
    return by.user_id


def _tokens(
    request: Request, session: Session, *, plain: str | None = None, faults: dict[str, str] | None = None
) -> dict[str, Any]:
    actor: Actor = request.state.actor
    every = actor.role >= Role.admin
    mine = actor.user_id if actor.user_id is not None else -1
    may_create = actor.kind != "token" or every
    return {
        "tokens": tokens.list_tokens(session, user_id=None if every else mine),
        "every": every,
        "scopes": [scope for scope, role in SCOPES.items() if may_create and role <= actor.role],
        "scope_of": {role.name: scope for scope, role in SCOPES.items()},
        "plain": plain,
        "faults": faults or {},
    }
