"""The route table: every route says who may come, and nothing is changed by looking."""

from __future__ import annotations

from starlette.convertors import PathConvertor, StringConvertor
from starlette.routing import BaseRoute

from dashboard.http import GuardedRoute
from dashboard.routes import PublicMount, routes
from miner.access import Role

# Whoever is logged in may leave, and keep views; a login is how one gets in; a hook asks for a signature; a
# trial changes nothing.
OTHERWISE = {
    **dict.fromkeys(("/login", "/login/code", "/login/enrol", "/welcome", "/hooks/zendesk")),
    **dict.fromkeys(
        ("/logout", "/account/password", "/account/second-factor", "/account/sessions/end",
         "/account/sessions/end-others", "/tokens", "/tokens/revoke", "/views",
         "/views/{id:id}/rename", "/views/{id:id}/delete"),
        Role.viewer,
    ),
    "/settings/again/trials": Role.operator,
    "/start/sample/remove": Role.admin,
}  # fmt: skip
PUBLIC = {"/login", "/login/code", "/login/enrol", "/welcome", "/healthz", "/static", "/hooks/zendesk"}
# What decides who may come, and what all results rest on, is an admin's.
FOR_ADMINS = ("/users", "/audit", "/settings/")


def guarded() -> list[GuardedRoute]:
    return [route for route in routes() if isinstance(route, GuardedRoute)]


def test_every_route_declares_the_role_it_needs() -> None:
    undeclared: list[BaseRoute] = [route for route in routes() if not isinstance(route, (GuardedRoute, PublicMount))]
    assert undeclared == []


def test_only_login_signed_hooks_the_sign_of_life_and_static_files_are_open_to_everybody() -> None:
    opened = {route.path for route in routes() if getattr(route, "role", Role.admin) is None}  # type: ignore[attr-defined]
    assert opened == PUBLIC


def test_what_changes_something_needs_an_operator() -> None:
    for route in guarded():
        if route.methods in ({"POST"}, {"PATCH"}):
            usual = Role.admin if route.path.startswith(FOR_ADMINS) else Role.operator
            assert route.role == OTHERWISE.get(route.path, usual), route.path


def test_users_and_the_audit_log_are_for_admins() -> None:
    assert {route.role for route in guarded() if route.path.startswith(("/users", "/audit"))} == {Role.admin}


def test_a_route_takes_one_method_and_nothing_is_changed_by_looking() -> None:
    for route in guarded():
        assert route.methods in ({"GET", "HEAD"}, {"POST"}, {"PATCH"}), route.path


def test_what_stands_in_a_path_is_a_number_or_a_word_of_known_letters() -> None:
    """Any other text in a path would reach the database with whatever is in it."""
    free = [
        f"{route.path}: {name}"
        for route in guarded()
        for name, convertor in route.param_convertors.items()
        if isinstance(convertor, (StringConvertor, PathConvertor))
    ]
    assert free == []


def test_route_names_and_addresses_are_unique() -> None:
    names = [route.name for route in guarded()]
    places = [(route.path, frozenset(route.methods or ())) for route in guarded()]
    assert len(names) == len(set(names))
    assert len(places) == len(set(places))
