"""Whatever stands in a parameter, a field, a header or a body: it is used, or refused in words, never a broken page."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

import dashboard
from dashboard import forms
from dashboard.exporting import EXPORTS
from dashboard.http import GuardedRoute
from dashboard.scopes import ScopeQuery
from miner import db
from tests.dashboard.conftest import make_client
from tests.dashboard.test_identity import TABLE, address, rows

__all__ = ["rows"]

TEMPLATES = Path(dashboard.__file__).parent / "templates"
HOSTILE = [
    "' OR 1=1; DROP TABLE users; --",
    "a@b\x00",
    "x" * 1_000,  # a client refuses an address of more than 64 kB
    "\u202e💥ﷺ\ufffe",
    "-1",
    "9" * 30,
    "1e400",
    "{{7*7}}<script>alert(1)</script>",
    "../../etc/passwd",
    "\r\nSet-Cookie: a=b",
]
WORST = "'\x00\u202e💥"
LOOKS = [route for route in TABLE if "GET" in (route.methods or ())]
DOES = [route for route in TABLE if "POST" in (route.methods or ())]


def parameters(path: str) -> list[str]:
    """Every name that a query is read by; those of lists are for lists alone."""
    listed = _kinds(ScopeQuery)
    kinds = _kinds(forms.Query) if path.split("/")[-1] in EXPORTS or "{list" in path else _kinds(forms.Query) - listed
    return sorted({name for kind in kinds for name in forms.names_of(kind)} | {"next", "key"})


def fields() -> list[str]:
    """Every name that a form on a page has."""
    pages = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html"))
    return sorted(set(re.findall(r'name="([a-z_]+)"', pages)) | {"backfill_days", "batch_size", "from_date", "to_date"})


def _kinds(kind: type[forms.Query]) -> set[type[forms.Query]]:
    return {kind}.union(*(_kinds(one) for one in kind.__subclasses__()))


@pytest.fixture
def local(database: str) -> TestClient:
    """The local user of a development machine: nothing is counted and everything allowed."""
    client = make_client()
    client.headers["sec-fetch-site"] = "same-origin"
    return client


def fine(status: int) -> bool:
    with db.transaction() as session:
        session.execute(text("DELETE FROM throttles"))  # so that the login judges what it is sent, too
    return status < 500


@pytest.mark.parametrize("route", LOOKS, ids=lambda route: route.name)
def test_no_parameter_breaks_a_page(local: TestClient, rows: dict[str, int], route: GuardedRoute) -> None:
    place = address(route, rows)
    for value in HOSTILE:
        assert fine(local.get(place, params=dict.fromkeys(parameters(route.path), value)).status_code), value
    for name in parameters(route.path):
        assert fine(local.get(place, params={name: WORST}).status_code), name
        assert fine(local.get(f"{place}?{name}=%ED%A0%80%FF").status_code), name


@pytest.mark.parametrize("route", DOES, ids=lambda route: route.name)
def test_no_field_breaks_an_action(local: TestClient, rows: dict[str, int], route: GuardedRoute) -> None:
    place = address(route, rows)
    if route.path.startswith("/api/"):
        for value in [*HOSTILE, None, True, 1.5, 10**400, [[]], {"a": {"b": 1}}]:
            for body in (value, dict.fromkeys([*fields(), "answer"], value), {"answer": value}, {str(value): 1}):
                assert fine(local.post(place, json=body).status_code), value
        return
    for value in HOSTILE:
        assert fine(local.post(place, data=dict.fromkeys(fields(), value)).status_code), value
    for name in fields():
        assert fine(local.post(place, data={name: WORST}).status_code), name


@pytest.mark.parametrize("route", [one for one in TABLE if "{" in one.path], ids=lambda route: f"{route.name}")
def test_nothing_in_a_path_breaks_a_page(local: TestClient, route: GuardedRoute) -> None:
    method = "POST" if route in DOES else "GET"
    for value in ["0", "9" * 18, "9" * 40, "-1", *HOSTILE[:4], "2026-W54", "0000-W00", "9999-W53"]:
        place = re.sub(r"\{[^}]*\}", lambda _, value=value: quote(value, safe=""), route.path)  # type: ignore[misc]
        assert fine(local.request(method, place).status_code), value


@pytest.mark.parametrize(
    "charset", ["unicode_escape", "raw_unicode_escape", "utf-7", "undefined", "idna", "zlib", "x\x7f"]
)
@pytest.mark.parametrize("path", ["/login", "/welcome", "/users", "/runs"])
def test_no_charset_of_a_form_breaks_it(local: TestClient, path: str, charset: str) -> None:
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\\ud800a@b\\x00\r\n' for name in fields()
    )
    kind = f"multipart/form-data; boundary=b; charset={charset}"
    answer = local.post(path, content=f"{parts}--b--\r\n".encode(), headers={"content-type": kind})
    assert fine(answer.status_code)


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": "sid=\xff\xfe; flash=nothing"},
        {"cookie": "flash='\"<script>"},
        {"authorization": "Bearer \xff"},
        {"user-agent": "\xff" * 500},
        {"idempotency-key": "\xff"},
        {"idempotency-key": "k" * 9_000},
        {"content-type": "\xff"},
        {"hx-current-url": "http://[::1"},
        {"hx-request": "true", "hx-current-url": "\xff"},
        {"x-forwarded-for": "\xff, ,,"},
    ],
)
def test_no_header_breaks_an_answer(local: TestClient, headers: dict[str, str]) -> None:
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    for method, path in (("GET", "/runs"), ("GET", "/runs/live"), ("POST", "/login"), ("POST", "/api/tasks/trends")):
        assert fine(local.request(method, path, headers=sent).status_code), path  # type: ignore[arg-type]
