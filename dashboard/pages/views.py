"""Views that people keep of lists: make, rename, delete."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError
from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import Query, read_query
from dashboard.http import Redirect, View
from dashboard.scopes import CustomerQuery, IssueQuery, ScopeQuery, ThemeQuery, TicketQuery, parameters_of
from miner import views
from miner.access import Actor
from miner.db import transaction
from miner.errors import InvalidArguments

QUERIES: dict[str, type[ScopeQuery]] = {
    "themes": ThemeQuery,
    "issues": IssueQuery,
    "tickets": TicketQuery,
    "customers": CustomerQuery,
}


def view_list(request: Request, session: Session) -> View:
    read_query(request, Query)
    return View("views.html", {"views": views.list_views(session, of=request.state.actor), "typed": None, "faults": {}})


def create(request: Request, form: dict[str, str], by: Actor) -> View | Redirect:
    list_, name, typed = form.get("list", ""), form.get("name", ""), form.get("query", "")
    try:
        with transaction() as session:
            view = views.create_view(session, list_=list_, name=name, query=_clean(list_, typed), by=by)
            address = f"/{view.list}?{view.query}" if view.query else f"/{view.list}"
    except InvalidArguments as error:
        return _refused(by, error, {"list": list_, "name": name, "query": typed})
    return Redirect(address, flash="view_kept")


def rename(request: Request, form: dict[str, str], by: Actor) -> View | Redirect:
    try:
        with transaction() as session:
            views.rename_view(session, request.path_params["id"], name=form.get("name", ""), by=by)
    except InvalidArguments as error:
        return _refused(by, error, None)
    return Redirect("/views", flash="view_renamed")


def delete(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        views.delete_view(session, request.path_params["id"], by=by)
    return Redirect("/views", flash="view_deleted")


def _clean(list_: str, typed: str) -> str:
    """The query string as the list itself would write it: what it does not know or would refuse is never kept."""
    if list_ not in QUERIES:
        raise InvalidArguments({"list": f"choose one of {', '.join(QUERIES)}"})
    try:
        return urlencode(parameters_of(QUERIES[list_].model_validate(dict(parse_qsl(typed)))))
    except (ValidationError, ValueError):
        raise InvalidArguments({"query": "the list does not understand these filters"}) from None


def _refused(by: Actor, error: InvalidArguments, typed: dict[str, str] | None) -> View:
    with transaction() as session:
        mine = views.list_views(session, of=by)
        session.expunge_all()
    return View("views.html", {"views": mine, "typed": typed, "faults": error.fields}, status=422)
