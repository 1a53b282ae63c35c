"""Text from outside: queries, keys of lists, and the forms of jobs."""

from __future__ import annotations

import datetime as dt
from itertools import product
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from dashboard.forms import Query, arguments, inputs, names_of, parse_id_key, parse_time_key, time_key
from dashboard.http import GuardedRoute
from dashboard.routes import routes
from dashboard.scopes import CustomerQuery, IssueQuery, ScopeQuery, ThemeQuery, TicketQuery
from miner.errors import InvalidArguments
from miner.runs.jobs import JOBS

HOSTILE = [
    "'",
    "' OR 1=1 --",
    "%",
    "\\",
    "<script>",
    "../..",
    "0x10",
    "1e9",
    "-1",
    "9" * 30,
    "١",
    "1.1.1",
    "a" * 500,
    "\x00",
    "\u202e",
    "NaN",
    "1;DROP TABLE themes",
]
# What lists read is asked of lists alone: each of the others would be asked for it in vain.
QUERIES = [model for model in Query.__subclasses__() if model is not ScopeQuery]
LISTS: dict[str, tuple[str, ...]] = {
    f"/{list_}": tuple(sorted(names_of(model)))
    for list_, model in (
        ("themes", ThemeQuery),
        ("issues", IssueQuery),
        ("tickets", TicketQuery),
        ("customers", CustomerQuery),
    )
} | {
    "/runs": ("job", "state", "before"),
    "/runs/live": ("job", "state", "before"),
}


LATEST = dt.datetime(9999, 1, 1)  # noqa: DTZ001 - a bound of hypothesis has no zone


@given(st.datetimes(max_value=LATEST, timezones=st.just(dt.UTC)), st.integers(0, 2**63 - 1))
def test_the_key_of_a_place_in_time_comes_back_as_it_was(when: dt.datetime, row_id: int) -> None:
    assert parse_time_key(time_key(when, row_id)) == (when, row_id)


def test_other_keys_are_numbers() -> None:
    assert parse_id_key("7") == 7
    assert parse_id_key("") is None


def test_a_time_beyond_the_calendar_is_no_key() -> None:
    with pytest.raises(InvalidArguments, match="after"):
        parse_time_key(f"{2**63 - 1}.1")


def test_a_hostile_query_is_answered_or_refused_by_name_but_never_breaks(client: TestClient) -> None:
    for path, names in LISTS.items():
        for name, value in product(names, HOSTILE):
            answer = client.get(path, params={name: value})
            assert answer.status_code in (200, 422), (path, name, value)
            if answer.status_code == 422:
                assert name in answer.text
            answer = client.get(f"/api{path}", params={name: value})
            assert answer.status_code in (200, 404, 422), (path, name, value)


GETS = [route for route in routes() if isinstance(route, GuardedRoute) and "GET" in (route.methods or ())]
POSTS = [route for route in routes() if isinstance(route, GuardedRoute) and route.methods == {"POST"}]
NAMES = sorted({"next", "v", *(name for model in QUERIES for name in names_of(model))})
FIELDS = sorted(
    {"job", "token", "next", "junk", *(name for job in JOBS.values() for name in job.arguments.model_fields)}
)
PLACES = {
    "list:slug": "issues",
    "id:id": "1",
    "id:slug": "hourly_trends",
    "job:slug": "trends",
    "week:week": "2026-W47",
}


def addresses(route: GuardedRoute, value: str) -> list[str]:
    """The route's address with `value` in each place that takes something, and as it should be."""
    plain = route.path
    for name, good in PLACES.items():
        plain = plain.replace(f"{{{name}}}", good)
    hostile = [
        route.path.replace(f"{{{name}}}", quote(value.encode(errors="surrogatepass"), safe=""))
        for name in PLACES
        if f"{{{name}}}" in route.path
    ]
    return [plain, *(address for address in hostile if "{" not in address)]


@pytest.mark.parametrize("value", [*HOSTILE, "\x00x", "x\x00", "\r\n", "\ufffd"])
def test_nothing_in_an_address_or_a_query_breaks_any_page(client: TestClient, value: str) -> None:
    for route in GETS:
        for address in addresses(route, value):
            for query in ({}, *({name: value} for name in NAMES)):
                answer = client.get(address, params=query)
                assert answer.status_code < 500, (address, query)


@pytest.mark.parametrize("value", ["\x00", "x\x00", "7\x00", "\ud800"])
def test_nothing_in_a_form_breaks_any_action(client: TestClient, value: str) -> None:
    # No browser sends a lone surrogate; UTF-7 is how a program does.
    head = 'Content-Disposition: form-data; name="%s"\r\n\r\n'
    for route in POSTS:
        for address in addresses(route, value):
            for name in FIELDS:
                other = "" if name == "job" else f"--x\r\n{head % 'job'}analyze\r\n"
                body = f"{other}--x\r\n{head % name}".encode() + value.encode("utf-7") + b"\r\n--x--\r\n"
                kind = "multipart/form-data; boundary=x; charset=utf-7"
                answer = client.post(address, content=body, headers={"content-type": kind})
                assert answer.status_code < 500, (address, name)
                if address in ("/runs", "/schedules/hourly_trends/run"):
                    assert (answer.status_code, name in answer.text) == (422, True), (address, name)
                    assert "cannot be stored" in answer.text
                assert client.post(address, data={name: value.replace("\ud800", "?")}).status_code < 500


def test_the_api_refuses_a_parameter_that_does_not_exist_and_a_page_does_not_mind(client: TestClient) -> None:
    refused = client.get("/api/themes", params={"nonsense": 1})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"loc": ["nonsense"], "msg": "there is no such parameter", "type": "invalid"}]
    assert client.get("/themes", params={"utm_source": "mail"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/themes/9223372036854775808",
        "/tickets/99999999999999999999",
        "/runs/0",
        "/themes/-1",
        "/themes/1.5",
        "/themes/x",
        "/weeks/2026-W54",
        "/weeks/2026-W00",
        "/weeks/9999-W01",
        "/weeks/2026-47",
        "/weeks/%00",
        "/weeks/x",
    ],
)
def test_an_address_where_nothing_can_be_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_form_of_a_job_comes_from_its_declaration() -> None:
    (field,) = inputs(JOBS["analyze"])
    assert (field.name, field.label, field.numeric, field.least, field.most) == (
        "batch_size",
        "Batch size",
        True,
        1,
        10_000,
    )
    assert field.value == "500"
    assert "most tickets" in field.hint
    assert inputs(JOBS["trends"]) == []
    assert [field.name for field in inputs(JOBS["pipeline"])] == ["backfill_days", "batch_size"]


def test_what_was_typed_is_shown_again() -> None:
    assert inputs(JOBS["analyze"], {"batch_size": "lots"})[0].value == "lots"


@pytest.mark.parametrize(
    ("typed", "expected"), [("7", 7), (" 7 ", 7), ("", None), ("-7", -7), ("lots", "lots"), ("7.5", "7.5"), ("٧", "٧")]
)
def test_typed_text_becomes_an_argument_that_the_declaration_can_judge(typed: str, expected: object) -> None:
    assert arguments(JOBS["sync"], {"backfill_days": typed, "job": "sync", "more": "x"}) == {"backfill_days": expected}


def test_an_absent_field_takes_its_default() -> None:
    assert arguments(JOBS["analyze"], {}) == {}
