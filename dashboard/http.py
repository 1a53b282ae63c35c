"""Between a route and its handler: who may, one short transaction, forms and JSON in, pages and redirects out.

Handlers are plain functions and run in the thread pool. A page's handler is handed the session of its transaction and
returns what to show; the template is rendered after the transaction has ended. An action's handler opens its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard import render
from dashboard.security.access import Access
from dashboard.security.identity import authorize
from miner.access import Actor, Role
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.logs import storable
from miner.paging import Count
from miner.runs.attention import list_attention

MOST_FIELDS = 400  # three boxes for each of a hundred product areas
T = TypeVar("T")


@dataclass(frozen=True)
class View:
    """A page: its template and what it shows. `session`: as of a Redirect."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    session: str | None = None


@dataclass(frozen=True)
class Redirect:
    """Go there (303); `flash` is a key of `words.FLASHES`, shown once on the next page.

    `session` is the plain id of a session that was just opened; "" takes the browser's session cookie away.
    """

    url: str
    flash: str | None = None
    session: str | None = None


Answer = View | Redirect | Response
Reader = Callable[[Request, Session], Answer]
Doer = Callable[[Request, dict[str, str], Actor], Answer]
OpenDoer = Callable[[Request, dict[str, str]], Answer]
ApiReader = Callable[[Request, Session], Any]
ApiDoer = Callable[[Request, dict[str, Any], Actor], Response]
HookDoer = Callable[[Request, bytes], Response]


class IdConvertor(Convertor[int]):
    """An id in a path: what cannot be one is an address where there is nothing."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


class SlugConvertor(Convertor[str]):
    """A short name in a path; what does not read like one is an address where there is nothing, like IdConvertor's."""

    regex = "[a-z][a-z0-9_]{0,49}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class WeekConvertor(SlugConvertor):
    """A week like 2026-W47."""

    regex = "[0-9]{4}-W[0-9]{2}"


register_url_convertor("id", IdConvertor())
register_url_convertor("slug", SlugConvertor())
register_url_convertor("week", WeekConvertor())


class GuardedRoute(Route):
    """A route that says which role it needs; None: anybody may come."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, method: str, name: str, role: Role | None) -> None:
        super().__init__(path, endpoint, methods=[method], name=name)
        self.role = role


def page(path: str, reader: Reader, *, role: Role | None = Role.viewer, poll: bool = False) -> GuardedRoute:
    """GET a page or, with `poll`, a fragment of one that an open page asks for by itself."""

    def endpoint(request: Request) -> Response:
        with transaction() as session:
            authorize(request, session, role, touch=not poll)
            answer = reader(request, session)
            if isinstance(answer, View) and role is not None and not poll:
                request.state.attention = list_attention(session)
        return _respond(request, answer)

    return GuardedRoute(path, endpoint, method="GET", name=_name(reader), role=role)


def action(path: str, doer: Doer, *, role: Role = Role.operator) -> GuardedRoute:
    """POST a form."""

    def work(request: Request, form: dict[str, str]) -> Response:
        with transaction() as session:
            by = authorize(request, session, role, touch=True)
        assert by is not None  # noqa: S101 - the route needs a role
        _check_storable(form)
        return _respond(request, doer(request, form, by))

    return _form_route(path, work, doer, role)


def open_action(path: str, doer: OpenDoer) -> GuardedRoute:
    """POST a form that anybody may send: the login. All faults read the same; what cannot be stored is left out."""

    def work(request: Request, form: dict[str, str]) -> Response:
        return _respond(request, doer(request, {name: storable(value) for name, value in form.items()}))

    return _form_route(path, work, doer, None)


def _form_route(path: str, work: Callable[..., Response], doer: Callable[..., Any], role: Role | None) -> GuardedRoute:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(work, request, await _read_form(request))

    return GuardedRoute(path, endpoint, method="POST", name=_name(doer), role=role)


def api_read(path: str, reader: ApiReader, *, role: Role = Role.viewer) -> GuardedRoute:
    """GET JSON, or a file that the reader answers with."""

    def endpoint(request: Request) -> Response:
        with transaction() as session:
            authorize(request, session, role, touch=False)
            body = reader(request, session)
        return body if isinstance(body, Response) else JSONResponse(body)

    return GuardedRoute(path, endpoint, method="GET", name=_name(reader), role=role)


def api_do(path: str, doer: ApiDoer, *, role: Role = Role.operator, method: str = "POST") -> GuardedRoute:
    """POST JSON, or PATCH with it; an empty body is an empty object."""

    def work(request: Request, content: bytes) -> Response:
        with transaction() as session:
            by = authorize(request, session, role, touch=False)
        assert by is not None  # noqa: S101 - the route needs a role
        return doer(request, parse_object(content, request.headers.get("content-type", "")), by)

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(work, request, await request.body())

    return GuardedRoute(path, endpoint, method=method, name=_name(doer), role=role)


def hook(path: str, doer: HookDoer) -> GuardedRoute:
    """POST whatever another system sends and signs: `doer` is handed the raw body and decides itself who may."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(doer, request, await request.body())

    return GuardedRoute(path, endpoint, method="POST", name=_name(doer), role=None)


def parse_object(content: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object in a request's body. HTTP 415 for another type, 400 for what is not a JSON object.

    Raises InvalidArguments for any other JSON, and for text that cannot be stored.
    """
    if not content.strip():
        return {}
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415)
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
        clean = _is_storable(value)
    except (ValueError, RecursionError):
        raise HTTPException(400) from None
    if not isinstance(value, dict):
        raise InvalidArguments({"body": "a JSON object is needed"})
    if not clean:
        raise InvalidArguments({"body": _NOT_STORABLE})
    return value


@dataclass(frozen=True)
class Cut(Generic[T]):
    """One page of a longer list; `next` is the key that the page after it starts behind (None: this is the last).

    `total` is how many rows all pages have; None: nobody counted.
    """

    rows: list[T]
    next: str | None
    total: Count | None = None


def cut(rows: Sequence[T], size: int, key: Callable[[T], str], total: Count | None = None) -> Cut[T]:
    """The first `size` of rows that were asked for with a limit of `size + 1`."""
    return Cut(list(rows[:size]), key(rows[size - 1]) if len(rows) > size else None, total)


def _respond(request: Request, answer: Answer) -> Response:
    if isinstance(answer, Response):
        return answer
    access: Access = request.app.state.access
    kept: dict[str, Any] = {"path": "/", "httponly": True, "samesite": "lax", "secure": access.https}
    if isinstance(answer, View):
        response: Response = HTMLResponse(render.page(request, answer.template, answer.context), answer.status)
        if render.FLASH_COOKIE in request.cookies and "hx-request" not in request.headers:
            response.delete_cookie(render.FLASH_COOKIE, **kept)
    else:
        response = RedirectResponse(answer.url, status_code=303)
        if answer.flash:
            response.set_cookie(render.FLASH_COOKIE, answer.flash, max_age=30, **kept)
    if answer.session:
        response.set_cookie(access.cookie, answer.session, **kept)
    elif answer.session == "":
        response.delete_cookie(access.cookie, **kept)
    return response


async def _read_form(request: Request) -> dict[str, str]:
    """The form's text fields, the last one of a name; files are refused. HTTP 400 for what cannot be read."""
    try:
        async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
            return {name: value for name, value in form.items() if isinstance(value, str)}
    except UnicodeError:  # the request names its own charset, and Python knows some that fail on everything
        raise HTTPException(400) from None


_NOT_STORABLE = "it holds characters that cannot be stored"


def _check_storable(form: Mapping[str, str]) -> None:
    faults = {storable(name)[:100]: _NOT_STORABLE for name, value in form.items() if not _is_storable(value)}
    if faults:
        raise InvalidArguments(faults)


def _is_storable(value: object) -> bool:
    """Whether all text in a JSON value is such as Postgres keeps: no NUL, no lone surrogate."""
    if isinstance(value, dict):
        return all(_is_storable(name) and _is_storable(one) for name, one in value.items())
    if isinstance(value, list):
        return all(_is_storable(one) for one in value)
    return not isinstance(value, str) or storable(value) == value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _name(handler: Callable[..., Any]) -> str:
    return f"{handler.__module__.removeprefix('dashboard.')}.{handler.__name__}"
