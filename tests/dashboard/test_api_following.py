"""An automation sets the status of a theme when its item closes, over the API."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.access import Role
from miner.models import AuditEntry, Theme, ThemeLogLine
from miner.themes import edits, follow
from tests.dashboard.conftest import new_token
from tests.factories import TESTER, make_issue, make_theme

ITEM = "https://jira.example.com/browse/APP-7"
FIX = {"status": "fixed", "fixed_at": "2026-11-03T10:00:00+01:00", "fixed_version": "7.2.1"}


@pytest.fixture
def theme(session: Session) -> Theme:
    made = make_theme(session)
    make_issue(session, theme_id=made.id)
    follow.add_link(session, made.id, url=ITEM, title="APP-7", by=TESTER)
    session.commit()
    return made


def bearer(role: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {new_token(role)}"}


def test_an_item_that_closes_sets_the_status_of_its_theme(stranger: TestClient, session: Session, theme: Theme) -> None:
    headers = bearer(Role.operator)
    [found] = stranger.get("/api/themes", params={"tracker_url": f"{ITEM}/"}, headers=headers).json()["items"]
    assert (found["id"], found["status"], found["owner"]) == (theme.id, "new", None)
    assert [(link["url"], link["title"]) for link in found["links"]] == [(ITEM, "APP-7")]
    answer = stranger.patch("/api/themes", params={"tracker_url": ITEM}, json={**FIX, "owner": "Ada"}, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["fixed_at"] == "2026-11-03T09:00:00+00:00"
    assert stranger.get(f"/api/themes/{theme.id}", headers=headers).json() == answer.json()
    row = session.query(AuditEntry).order_by(AuditEntry.id.desc()).limit(1).one()
    assert (row.action, row.actor_kind) == ("theme.owner", "token")
    assert session.query(ThemeLogLine).count() == 3
    again = stranger.patch("/api/themes", params={"tracker_url": ITEM}, json=FIX, headers=headers)
    assert again.status_code == 200
    assert session.query(ThemeLogLine).count() == 3  # a hook that is sent twice changes nothing


def test_an_item_of_a_theme_that_was_merged_leads_to_the_one_that_took_it_over(
    client: TestClient, session: Session, theme: Theme
) -> None:
    kept = make_theme(session)
    make_issue(session, theme_id=kept.id)
    edits.merge_themes(session, theme.id, into=kept.id, by=TESTER)
    session.commit()
    answer = client.patch("/api/themes", params={"tracker_url": ITEM}, json={"status": "planned"})
    assert (answer.status_code, answer.json()["id"]) == (200, kept.id)
    gone = client.patch(f"/api/themes/{theme.id}", json={"status": "planned"})
    assert gone.status_code == 409
    assert gone.headers["content-type"] == "application/problem+json"
    assert f"merged into theme {kept.id}" in gone.json()["detail"]


def test_what_is_not_there_is_404_and_an_unknown_item_is_an_empty_list(client: TestClient, theme: Theme) -> None:
    unknown = {"tracker_url": "https://jira.example.com/browse/NONE-1"}
    assert client.get("/api/themes", params=unknown).json()["items"] == []
    answer = client.patch("/api/themes", params=unknown, json={"status": "planned"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert client.patch("/api/themes/999", json={"status": "planned"}).status_code == 404
    assert client.get("/api/themes/999").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"status": "done"}, "status"),
        ({"status": 3}, "status"),
        ({"status": "fixed", "fixed_at": "2026-11-03T10:00:00"}, "fixed_at"),
        ({"status": "fixed", "fixed_at": "2999-01-01T00:00:00Z"}, "fixed_at"),
        ({"status": "planned", "fixed_version": "7"}, "fixed_version"),
        ({"fixed_version": "7"}, "status"),
        ({"name": "x"}, "name"),
        ({"owner": "x" * 101}, "owner"),
        ({"note": ""}, "note"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_changes_nothing(
    client: TestClient, session: Session, theme: Theme, body: dict[str, Any], field: str
) -> None:
    answer = client.patch(f"/api/themes/{theme.id}", json=body)
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.json()["errors"]] == [[field]]
    assert session.query(ThemeLogLine).count() == 1


def test_a_request_without_an_item_or_with_a_bad_one_is_refused(client: TestClient, theme: Theme) -> None:
    for query in ("", "?tracker_url=", "?tracker_url=http://x.example/1", "?tracker_url=https://x.example/1&x=1"):
        assert client.patch(f"/api/themes{query}", json={"status": "planned"}).status_code == 422
    assert client.get("/api/themes?tracker_url=javascript:alert(1)").status_code == 422


def test_reading_is_a_viewers_and_changing_an_operators(stranger: TestClient, theme: Theme) -> None:
    headers = bearer(Role.viewer)
    assert stranger.get(f"/api/themes/{theme.id}", headers=headers).status_code == 200
    assert stranger.patch(f"/api/themes/{theme.id}", json=FIX, headers=headers).status_code == 403
    assert stranger.patch(f"/api/themes/{theme.id}", json=FIX).status_code == 401


def test_another_site_cannot_patch_with_a_browsers_cookie(client: TestClient, session: Session, theme: Theme) -> None:
    answer = client.patch(f"/api/themes/{theme.id}", json=FIX, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    session.refresh(theme)
    assert theme.status == "new"
