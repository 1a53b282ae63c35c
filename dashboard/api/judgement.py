"""Corrections over the API: the same functions as the forms of a ticket's page."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

from dashboard.forms import LARGEST_ID, Query, read_query
from miner.access import Actor
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.issues.corrections import correct_issue, mark_missed, set_aside
from miner.issues.undoing import undo_correction
from miner.settings import field_faults


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CorrectionBody(_Body):
    type: str | None = None
    area: str | None = None
    severity: str | None = None
    theme: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None


class MissedBody(_Body):
    passage: str
    type: str
    severity: str = "medium"
    area: str | None = None
    summary: str = ""


class NoBody(_Body):
    pass


B = TypeVar("B", bound=_Body)


def correct(request: Request, body: dict[str, Any], by: Actor) -> JSONResponse:
    """`{"type": "friction"}`: what is named is corrected; null is no area, and no theme."""
    given = _parse(request, body, CorrectionBody).model_dump(include=set(body))
    with transaction() as session:
        made = correct_issue(session, request.path_params["id"], given=given, by=by)
    return JSONResponse({"corrections": made}, status_code=201 if made else 200)


def not_an_issue(request: Request, body: dict[str, Any], by: Actor) -> JSONResponse:
    _parse(request, body, NoBody)
    with transaction() as session:
        made = set_aside(session, request.path_params["id"], by=by)
    return JSONResponse({"corrections": [made]}, status_code=201)


def missed(request: Request, body: dict[str, Any], by: Actor) -> JSONResponse:
    given = _parse(request, body, MissedBody)
    with transaction() as session:
        made = mark_missed(
            session,
            request.path_params["id"],
            passage=given.passage,
            type_=given.type,
            severity=given.severity,
            area=given.area,
            summary=given.summary,
            by=by,
        )
    return JSONResponse({"corrections": [made]}, status_code=201)


def undo(request: Request, body: dict[str, Any], by: Actor) -> JSONResponse:
    _parse(request, body, NoBody)
    with transaction() as session:
        found = undo_correction(session, request.path_params["id"], by=by)
        answer = {"correction": found.id, "issue": found.issue_id, "kind": found.kind}
    return JSONResponse(answer)


def _parse(request: Request, body: dict[str, Any], model: type[B]) -> B:
    read_query(request, Query, strict=True)
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise InvalidArguments(field_faults(error)) from None
