"""Text from outside as typed values: query strings by a model, a job's form by its declaration."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from miner.errors import InvalidArguments
from miner.models import RUN_STATES
from miner.runs.jobs import Job
from miner.settings import field_faults

LARGEST_ID = 2**63 - 1
_EPOCH = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_LATEST = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("it holds characters that cannot be printed")
    return value


def _one_number(value: str) -> str:
    return value if not value or _numbers(value, 1) else _bad_key()


def _two_numbers(value: str) -> str:
    return value if not value or _numbers(value, 2) else _bad_key()


def _bad_key() -> str:
    raise ValueError("it is not a key that a page before gave out")


Text = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
IdKey = Annotated[str, AfterValidator(_one_number)]
PairKey = Annotated[str, AfterValidator(_two_numbers)]
Id = Annotated[int | Literal[""], Field(ge=1, le=LARGEST_ID)]


class Query(BaseModel):
    """A query string. An empty parameter counts as absent."""

    model_config = ConfigDict(extra="ignore")


class CheckQuery(Query):
    """Which item of a check is looked at; none: the next that is to be judged."""

    item: Id = ""


class RunQuery(Query):
    job: Text = ""
    state: Literal["", *RUN_STATES] = ""  # type: ignore[valid-type]
    before: IdKey = ""


class AuditQuery(Query):
    actor: Text = ""
    action: Text = ""
    object: Text = ""
    outcome: Literal["", "ok", "refused", "failed"] = ""
    before: IdKey = ""


class KeyQuery(Query):
    """Only the place in a list that is ordered by id."""

    after: IdKey = ""


class PairKeyQuery(Query):
    """Only the place in a list that is ordered by a time or a count, and then by id."""

    after: PairKey = ""


class VersionsQuery(Query):
    """Only the place in a list of versions."""

    before: IdKey = ""


class VersionQuery(Query):
    """Which two versions of the settings are compared; without: the newest and the one before."""

    since: Id = ""
    to: Id = ""


class AffectedQuery(Query):
    """The customers of a theme in an order; `after`: the page before's last one."""

    sort: Literal["", "revenue", "open", "recent"] = ""
    after: Text = ""


class PartQuery(Query):
    """One side of a fix or, with `user`, the reports of one kind of user."""

    user: Text = ""
    part: Literal["before", "after", "older_version", "began_earlier"] = "after"
    after: PairKey = ""


class TrackerQuery(Query):
    format: Literal["markdown", "jira"] = "markdown"
    names: Literal["", "yes"] = ""


class LogQuery(Query):
    before: IdKey = ""
    level: Literal["", "notable"] = ""


Q = TypeVar("Q", bound=Query)


def read_query(request: Request, model: type[Q], *, strict: bool = False) -> Q:
    """The request's query string; raises InvalidArguments naming each refused parameter.

    `strict` (the API) also refuses parameters that do not exist.
    """
    values = dict(request.query_params)
    unknown = set(values) - names_of(model) if strict else set()
    if unknown:
        raise InvalidArguments({name[:100]: "there is no such parameter" for name in sorted(unknown)})
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidArguments(field_faults(error)) from None


def names_of(model: type[Query]) -> set[str]:
    """The parameters that a query string is read by."""
    return {field.alias or name for name, field in model.model_fields.items()}


def time_key(when: dt.datetime, row_id: int) -> str:
    """The place of a row in a list by time: microseconds since the year 1, and id."""
    return f"{(when - _EPOCH) // dt.timedelta(microseconds=1)}.{row_id}"


def parse_time_key(key: str) -> tuple[dt.datetime, int] | None:
    if not key:
        return None
    micros, row_id = _numbers(key, 2) or (0, 0)
    if micros > (_LATEST - _EPOCH) // dt.timedelta(microseconds=1):
        raise InvalidArguments({"after": "it is not a key that a page before gave out"})
    return _EPOCH + dt.timedelta(microseconds=micros), row_id


def parse_days(typed: str) -> int | None:
    """A whole number from 1 to 365; None: it is not one."""
    return int(typed) if re.fullmatch(r"[0-9]{1,3}", typed.strip()) and 1 <= int(typed) <= 365 else None


def parse_id(typed: str) -> int | None:
    """An id as a form sends it; None: it is none."""
    return int(typed) if re.fullmatch(r"[0-9]{1,18}", typed) else None


def parse_id_key(key: str) -> int | None:
    found = _numbers(key, 1)
    return found[0] if found else None


def _numbers(key: str, count: int) -> list[int] | None:
    parts = key.split(".")
    if len(parts) != count or not all(re.fullmatch(r"[0-9]{1,19}", part) for part in parts):
        return None
    numbers = [int(part) for part in parts]
    return numbers if max(numbers) <= LARGEST_ID else None


@dataclass(frozen=True)
class Input:
    """One field of a job's form, as its declaration says."""

    name: str
    label: str
    hint: str
    numeric: bool
    decimal: bool
    least: int | None
    most: int | None
    value: str


def inputs(job: Job, values: Mapping[str, str] | None = None) -> list[Input]:
    """The form of a job; `values` are what somebody typed before, else the defaults are filled in."""
    schema = job.arguments.model_json_schema()
    fields = []
    for name, declared in schema.get("properties", {}).items():
        kind: dict[str, Any] = next((one for one in declared.get("anyOf", []) if one["type"] != "null"), declared)
        default = declared.get("default")
        fields.append(
            Input(
                name=name,
                label=name.replace("_", " ").capitalize(),
                hint=declared.get("description", ""),
                numeric=kind["type"] == "integer",
                decimal=kind["type"] == "number",
                least=kind.get("minimum"),
                most=kind.get("maximum"),
                value=(values or {}).get(name, "" if default is None else str(default)),
            )
        )
    return fields


def arguments(job: Job, form: Mapping[str, str]) -> dict[str, Any]:
    """What somebody typed into a job's form as its arguments, not yet checked; an empty field is None."""
    given: dict[str, Any] = {}
    for field in inputs(job):
        if field.name in form:
            typed = form[field.name].strip()
            number = field.numeric and re.fullmatch(r"-?[0-9]{1,18}", typed)
            given[field.name] = int(typed) if number else typed or None
            if field.decimal and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", typed):
                given[field.name] = float(typed)
    return given
