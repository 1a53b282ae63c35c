"""Views of lists on pages."""

from __future__ import annotations

import html
import re

from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.access import LOCAL, Actor, Role
from miner.views import create_view, list_views

ANN = Actor("user", "ann", Role.viewer, user_id=1)


def test_a_view_is_kept_from_the_list_opened_renamed_and_deleted(client: TestClient, session: Session) -> None:
    page = client.get("/themes?type=bug&from=2026-11-01&sort=valuable&after=1_1_1_1").text
    form = re.search(r'name="query" value="([^"]*)"', page)
    assert form is not None
    query = html.unescape(form[1])
    answer = client.post("/views", data={"list": "themes", "name": "Costly bugs", "query": query})
    assert (answer.status_code, answer.headers["location"]) == (303, "/themes?type=bug&from=2026-11-01&sort=valuable")
    assert ">Costly bugs</a>" in client.get("/themes").text
    assert "Costly bugs" not in client.get("/issues").text
    (view,) = list_views(session, of=LOCAL)
    assert client.post(f"/views/{view.id}/rename", data={"name": "Bugs that cost"}).status_code == 303
    assert "Bugs that cost" in client.get("/views").text
    assert client.post(f"/views/{view.id}/delete").status_code == 303
    assert "No view yet" in client.get("/views").text


def test_what_the_list_does_not_know_is_not_kept_and_what_it_refuses_is_refused(
    client: TestClient, session: Session
) -> None:
    client.post("/views", data={"list": "issues", "name": "a", "query": "type=bug&evil=<script>&after=1.2"})
    assert [view.query for view in list_views(session, of=LOCAL)] == ["type=bug"]
    for query in ("type=bugs", "from=never", "theme=-1"):
        answer = client.post("/views", data={"list": "issues", "name": "b", "query": query})
        assert answer.status_code == 422
        assert "does not understand these filters" in answer.text
    answer = client.post("/views", data={"list": "issues", "name": "a", "query": "type=bug"})
    assert answer.status_code == 422
    assert "There is a view" in answer.text
    assert 'value="a" aria-invalid="true"' in answer.text


def test_nobody_sees_or_changes_anothers_view(client: TestClient, session: Session) -> None:
    view = create_view(session, list_="themes", name="Ann's own", query="", by=ANN)
    session.commit()
    assert "own" not in client.get("/views").text.split("<main")[1].split("Only you see yours")[1]
    assert client.post(f"/views/{view.id}/delete").status_code == 404
    assert client.post(f"/views/{view.id}/rename", data={"name": "mine"}).status_code == 404
