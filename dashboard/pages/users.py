"""Users, as admins see them: who may log in, with which role; and the links that let them set a password."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.http import Redirect, View
from miner import users
from miner.access import Actor, Role
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.models import User

ROLES = {role.name: role for role in Role}


def user_list(request: Request, session: Session) -> View:
    return View("users.html", _shown(session))


def create(request: Request, form: dict[str, str], by: Actor) -> View:
    """The link is on the page that answers and nowhere else."""
    try:
        with transaction() as session:
            user, key = users.create_user(
                session, email=form.get("email", ""), name=form.get("name", ""), role=_role(form), by=by
            )
    except InvalidArguments as error:
        with transaction() as session:
            return View("users.html", _shown(session, faults=error.fields, typed=form), status=422)
    return _with_link(request, user, key)


def reset(request: Request, form: dict[str, str], by: Actor) -> View:
    with transaction() as session:
        user, key = users.reset_user(session, request.path_params["id"], by=by)
    return _with_link(request, user, key)


def set_role(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        users.set_role(session, request.path_params["id"], _role(form), by=by)
    return Redirect("/users", flash="role_changed")


def disable(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        users.disable_user(session, request.path_params["id"], by=by)
    return Redirect("/users", flash="user_disabled")


def enable(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        users.enable_user(session, request.path_params["id"], by=by)
    return Redirect("/users", flash="user_enabled")


def _with_link(request: Request, user: User, key: str) -> View:
    access = request.app.state.access
    origin = access.public_origin or f"{request.url.scheme}://{request.url.netloc}"
    with transaction() as session:
        return View("users.html", _shown(session, link=f"{origin}/welcome?key={key}", linked=user.email))


def _shown(
    session: Session,
    *,
    link: str | None = None,
    linked: str | None = None,
    faults: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "users": [users.describe(user) for user in users.list_users(session)],
        "roles": list(ROLES),
        "link": link,
        "linked": linked,
        "faults": faults or {},
        "typed": typed or {},
    }


def _role(form: dict[str, str]) -> Role:
    role = ROLES.get(form.get("role", ""))
    if role is None:
        raise InvalidArguments({"role": f"choose one of {', '.join(ROLES)}"})
    return role
