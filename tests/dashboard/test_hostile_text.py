"""A ticket that attacks every page it is shown on: nothing runs, nothing is lost."""

from __future__ import annotations

import html

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from tests.dashboard.hostile import FORBIDDEN, HOSTILE, PAYLOADS, store_hostile_rows


@pytest.fixture
def addresses(session: Session) -> list[str]:
    return store_hostile_rows(session)


def test_hostile_text_is_shown_on_every_page_as_text(client: TestClient, addresses: list[str]) -> None:
    for address in addresses:
        page = client.get(address)
        assert page.status_code == 200, address
        found = [part for part in FORBIDDEN if part in page.text]
        assert found == [], address
        assert html.escape("<script>alert(1)</script>") in page.text, address


def test_the_api_gives_it_back_as_it_came(client: TestClient, addresses: list[str]) -> None:
    ticket = next(address for address in addresses if address.startswith("/tickets/"))
    found = client.get(f"/api{ticket}")
    assert found.headers["content-type"] == "application/json"
    assert found.json()["text"] == f"{HOSTILE}\n\n{HOSTILE}"


def test_hostile_queries_are_shown_as_text_too(client: TestClient) -> None:
    for payload in PAYLOADS:
        for answer in (
            client.get("/themes", params={"text": payload}),
            client.get("/issues", params={"text": payload}),
            client.get("/runs", params={"state": payload}),
            client.get(f"/{payload}"),
            client.get("/login", params={"next": f"/{payload}"}),
        ):
            assert [part for part in FORBIDDEN if part in answer.text] == []
