"""What went wrong, as the reader wants it: a page for people, problem+json (RFC 9457) below /api.

Nothing internal is shown: an unexpected error is a sentence and the request's id, under which the log has the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard import render
from dashboard.security import identity
from dashboard.security.identity import LoginNeeded, request_id_of
from dashboard.security.sizes import largest_body
from miner import throttle
from miner.access import Actor, audit
from miner.db import transaction
from miner.errors import (
    Conflict,
    InvalidArguments,
    NotFound,
    Refused,
    RunAlreadyActive,
    SettingsConflict,
    TooMany,
    UnknownJob,
    UsageError,
)
from miner.logs import get_logger

log = get_logger(__name__)

_SENTENCES = {
    400: "The request could not be read.",
    404: "There is nothing at this address.",
    405: "This address does not take that kind of request.",
    415: "Send JSON, with the header Content-Type: application/json.",
}


@dataclass(frozen=True)
class Problem:
    """An answer that says no: status, title, a sentence, and for the API more members of the JSON object."""

    status: int
    title: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    link: tuple[str, str] | None = None  # (address, words): where to go from here


def too_large(path: str) -> Problem:
    return Problem(413, "Too large", f"A request may hold at most {largest_body(path) // 1024} KiB.")


def answer(request: Request, problem: Problem) -> Response:
    """`problem` as JSON where programs ask, else as a page."""
    if request.url.path.startswith(("/api/", "/hooks/")):
        body = {
            "type": "about:blank",
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
            "request_id": request_id_of(request),
            **problem.more,
        }
        return JSONResponse(body, problem.status, headers=dict(problem.headers), media_type="application/problem+json")
    identity.remember_local(request)  # so that a page which no handler made still shows the way on
    html = render.page(request, "error.html", {"problem": problem, "request_id": request_id_of(request)})
    return Response(html, problem.status, headers=dict(problem.headers), media_type="text/html")


def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if error.status_code == 413:
        return answer(request, too_large(request.url.path))
    status = HTTPStatus(error.status_code)
    detail = _SENTENCES.get(error.status_code, f"{status.description or status.phrase}.")
    return answer(request, Problem(error.status_code, status.phrase.capitalize(), detail, headers=error.headers or {}))


def on_not_found(request: Request, error: Exception) -> Response:
    sentence = str(error)
    return answer(request, Problem(404, "Not found", f"There is {sentence}."))


def on_refused(request: Request, error: Exception) -> Response:
    """403; that somebody known tried is written down, within limits, since what is written stays for ever."""
    by: Actor | None = getattr(request.state, "actor", None)
    if by is not None:
        with transaction() as session:
            if throttle.may_note_refusal(session, who=f"{by.kind} {by.id or by.name}"):
                place = request.scope.get("route")
                act = f"{request.method.lower()} {getattr(place, 'path', 'unknown')}"
                audit(session, by, act, "address", request.url.path[:200], outcome="refused")
    log.warning("request_refused", message=f"Refused: {error}", actor=str(getattr(request.state, "actor", None)))
    return answer(request, Problem(403, "Not allowed", f"{_sentence(error)}."))


def on_invalid(request: Request, error: Exception) -> Response:
    """422, naming each field."""
    assert isinstance(error, InvalidArguments)  # noqa: S101 - registered for it
    faults = [{"loc": [name], "msg": reason, "type": "invalid"} for name, reason in error.fields.items()]
    detail = "; ".join(f"{name}: {reason}" for name, reason in error.fields.items())
    return answer(request, Problem(422, "Not valid", f"{detail}.", more={"errors": faults}))


def on_too_many(request: Request, error: Exception) -> Response:
    """429, with the seconds to wait."""
    assert isinstance(error, TooMany)  # noqa: S101 - registered for it
    log.warning("too_many", message=f"Refused: {error}", actor=str(getattr(request.state, "actor", None)))
    headers = {"Retry-After": str(error.retry_after)}
    return answer(request, Problem(429, "Too many tries", f"{_sentence(error)}.", headers=headers))


def on_impossible(request: Request, error: Exception) -> Response:
    """422 for what is well said but cannot be, for example taking back what was taken back already."""
    return answer(request, Problem(422, "Not possible", f"{_sentence(error)}."))


def on_conflict(request: Request, error: Exception) -> Response:
    """409, naming what stands in the way."""
    return answer(request, Problem(409, "In the way", f"{_sentence(error)}."))


def on_settings_conflict(request: Request, error: Exception) -> Response:
    """409 where no form can show both."""
    link = ("/settings/versions", "Look at the versions")
    return answer(request, Problem(409, "Changed meanwhile", f"{_sentence(error)}.", link=link))


def on_already_active(request: Request, error: Exception) -> Response:
    """409, with the run that is in the way."""
    assert isinstance(error, RunAlreadyActive)  # noqa: S101 - registered for it
    url = f"/runs/{error.run_id}"
    more = {"run_id": error.run_id, "job": error.job_name, "state": error.state, "url": url}
    problem = Problem(409, "Already active", f"{_sentence(error)}.", more=more, link=(url, f"Go to run {error.run_id}"))
    return answer(request, problem)


def on_login_needed(request: Request, error: Exception) -> Response:
    """401 for programs and for polls of an open page; people are sent to the login page."""
    if request.url.path.startswith("/api/"):
        headers = {"WWW-Authenticate": "Bearer"}
        return answer(request, Problem(401, "Log in first", "Send an API token as a bearer token.", headers=headers))
    address = render.login_address(request)
    if "hx-request" in request.headers:
        # A redirect would be followed and the login page pasted into the table that polls.
        return Response(status_code=401, headers={"HX-Redirect": address})
    return Response(status_code=303, headers={"Location": address})


def on_database_trouble(request: Request, error: Exception) -> Response:
    log.error("database_unavailable", message="The database did not answer", exc_info=error)
    problem = Problem(503, "The database does not answer", "Try again in a moment.", headers={"Retry-After": "5"})
    return answer(request, problem)


def on_unexpected(request: Request, error: Exception) -> Response:
    """500; the shell logs the error, under the request id that is shown here."""
    return answer(request, Problem(500, "Something went wrong", "It was not your fault, and it is in the log."))


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


HANDLERS: dict[Any, Any] = {
    HTTPException: on_http_exception,
    LoginNeeded: on_login_needed,
    NotFound: on_not_found,
    UnknownJob: on_not_found,
    Refused: on_refused,
    InvalidArguments: on_invalid,
    Conflict: on_conflict,
    SettingsConflict: on_settings_conflict,
    UsageError: on_impossible,
    RunAlreadyActive: on_already_active,
    TooMany: on_too_many,
    OperationalError: on_database_trouble,
    PoolTimeout: on_database_trouble,
    Exception: on_unexpected,
}
