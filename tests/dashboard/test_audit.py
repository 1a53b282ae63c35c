"""The audit page: who did what, refusals too, with filters and as a file that is safe to open."""

from __future__ import annotations

import csv
import io
import json

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from dashboard.pages import audit as page
from miner import db
from miner.access import Actor, Role, audit
from miner.models import AuditEntry
from tests.dashboard.conftest import new_session

ADA = Actor("user", "Ada", Role.admin, "203.0.113.9", "r1")
BOB = Actor("user", "Bob <b>", Role.admin)


def write(count: int = 1, by: Actor = ADA, action: str = "theme.rename", outcome: str = "ok") -> None:
    with db.transaction() as session:
        for number in range(count):
            audit(session, by, action, "theme", number, before={"name": "=1+1"}, after={"name": "b"}, outcome=outcome)


def test_the_newest_act_stands_first_and_everything_is_escaped(client: TestClient) -> None:
    write(1)
    write(1, BOB, "theme.merge")
    text = client.get("/audit").text
    assert text.index("theme.merge</td>") < text.index("theme.rename</td>")
    assert "Bob &lt;b&gt;" in text
    assert "203.0.113.9" in text
    assert "{&#34;name&#34;: &#34;b&#34;}" in text


def test_filters_narrow_the_page_and_the_file_alike(client: TestClient) -> None:
    write(2)
    write(1, BOB, "theme.merge", "refused")
    for query, rows in (
        ("", 3), ("?actor=Ada", 2), ("?action=theme.merge", 1), ("?outcome=refused", 1), ("?object=theme", 3),
        ("?object=theme+1", 1), ("?actor=nobody", 0), ("?actor=Ada&action=theme.merge", 0),
    ):  # fmt: skip
        assert client.get(f"/audit{query}").text.count("<tr><td") == rows, query
        assert len(list(csv.DictReader(io.StringIO(client.get(f"/audit.csv{query}").text)))) == rows, query
        assert len(client.get(f"/audit.json{query}").json()) == rows, query


def test_a_long_log_comes_in_pages_and_the_file_holds_all_of_it(client: TestClient) -> None:
    write(page.PIECE + page.PAGE + 5)
    first = client.get("/audit").text
    assert first.count("<tr><td") == page.PAGE
    assert 'rel="next"' in first
    rows = list(csv.DictReader(io.StringIO(client.get("/audit.csv").text)))
    ids = [int(row["id"]) for row in rows]
    assert len(ids) == page.PIECE + page.PAGE + 5
    assert ids == sorted(ids, reverse=True)


def test_no_cell_of_the_file_is_a_formula(client: TestClient) -> None:
    write(1, Actor("user", "=HYPERLINK(1)", Role.admin))
    answer = client.get("/audit.csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["actor_name"] == "'=HYPERLINK(1)"
    assert json.loads(row["before"]) == {"name": "=1+1"}
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'


def test_what_was_refused_is_written_down(stranger: TestClient) -> None:
    viewer = {"cookie": f"sid={new_session(Role.viewer)}", "sec-fetch-site": "same-origin"}
    assert stranger.post("/runs", data={"job": "trends"}, headers=viewer).status_code == 403
    assert stranger.get("/audit", headers=viewer).status_code == 403
    with db.transaction() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.outcome == "refused").order_by(AuditEntry.id))
        acts = [(entry.action, entry.object_id) for entry in entries]
    assert acts == [("post /runs", "/runs"), ("get /audit", "/audit")]


def test_nobody_fills_the_log_with_refusals(
    stranger: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("miner.throttle.REFUSALS", 3)
    viewer = {"cookie": f"sid={new_session(Role.viewer)}"}
    assert {stranger.get("/audit", headers=viewer).status_code for _ in range(7)} == {403}
    with db.transaction() as session:
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.outcome == "refused")).all()) == 3
    assert caplog.text.count("request_refused") == 7


def test_a_key_that_no_page_gave_out_is_refused(client: TestClient) -> None:
    assert client.get("/audit?before=x").status_code == 422
    assert client.get("/audit?outcome=maybe").status_code == 422
