"""What there is, as JSON."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from dashboard.api.reading import EPISODES, PAGE
from miner.models import JobRunStep, ThemeEpisode, TrendLook
from tests.dashboard.conftest import new_token
from tests.factories import NOON, make_issue, make_run, make_theme, make_ticket


def walk(client: TestClient, path: str, key: str) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    items: list[dict[str, Any]] = []
    place = ""
    while True:
        answer = client.get(path, params={key: place})
        assert answer.status_code == 200
        found = answer.json()
        assert len(found["items"]) <= PAGE
        items += found["items"]
        if found["next"] is None:
            return items
        place = found["next"]


def test_lists_go_on_behind_their_last_row_without_a_gap_or_a_repetition(client: TestClient, session: Session) -> None:
    ticket = make_ticket(session)
    for number in range(PAGE + 30):
        make_theme(session, issue_count=number // 3)
        make_run(session)
        make_issue(session, ticket, occurred_at=NOON + dt.timedelta(minutes=number // 4), analysis_id=None)
    session.commit()
    for path, key in (("/api/themes", "after"), ("/api/issues", "after"), ("/api/runs", "before")):
        ids = [item["id"] for item in walk(client, path, key)]
        assert len(ids) == PAGE + 30 == len(set(ids)), path


def test_a_theme_tells_its_trend(client: TestClient, session: Session) -> None:
    make_theme(
        session,
        name="Slow search",
        issue_count=4,
        flag="rising",
        flagged_at=NOON,
        trend_sentence="4 against 1.",
        trend_numbers={"ratio": 4},
        first_seen_at=NOON,
    )
    session.commit()
    (found,) = client.get("/api/themes?flag=rising").json()["items"]
    assert (found["name"], found["flag"], found["trend_numbers"], found["issue_count"]) == (
        "Slow search",
        "rising",
        {"ratio": 4},
        4,
    )
    assert found["first_seen_at"] == "2026-11-16T12:00:00+00:00"
    assert client.get("/api/themes?flag=fading").json()["items"] == []


def test_a_theme_tells_the_episodes_of_its_flags_the_latest_first(client: TestClient, session: Session) -> None:
    theme, quiet = make_theme(session), make_theme(session)
    for number in range(EPISODES + 2):
        day = dt.date(2026, 3, 1) + dt.timedelta(days=20 * number)
        session.add(
            ThemeEpisode(
                theme_id=theme.id,
                kind="spike",
                started_on=day,
                last_on=day,
                ended_on=day + dt.timedelta(days=7) if number < EPISODES + 1 else None,
                sentence=f"{number} reports.",
                numbers={"x": number},
                p=0.0004,
            )
        )
    session.commit()
    found = {one["id"]: one["episodes"] for one in client.get("/api/themes").json()["items"]}
    assert found[quiet.id] == []
    assert [one["numbers"]["x"] for one in found[theme.id]] == [6, 5, 4, 3, 2]
    newest = found[theme.id][0]
    assert (newest["flag"], newest["started_on"], newest["ended_on"], newest["p"]) == (
        "spike",
        "2026-06-29",
        None,
        0.0004,
    )


def test_the_themes_tell_which_day_was_judged_or_why_none_was(client: TestClient, session: Session) -> None:
    assert client.get("/api/themes").json()["look"] == {
        "looked_at": None,
        "judged_day": None,
        "covered_days": None,
        "not_judged": None,
    }
    why = "not judged: 212 tickets of this week are not analysed yet"
    session.add(TrendLook(id=1, looked_at=NOON, judged_day=dt.date(2026, 11, 15), covered_days=60, not_judged=why))
    session.commit()
    assert client.get("/api/themes").json()["look"] == {
        "looked_at": "2026-11-16T12:00:00+00:00",
        "judged_day": "2026-11-15",
        "covered_days": 60,
        "not_judged": why,
    }


def test_an_issue_leads_to_its_quote(client: TestClient, session: Session) -> None:
    issue = make_issue(session, theme_id=make_theme(session).id)
    session.commit()
    (found,) = client.get("/api/issues").json()["items"]
    assert found["ticket_url"] == f"/tickets/{issue.ticket_id}#issue-{issue.id}"
    ticket = client.get(f"/api/tickets/{issue.ticket_id}").json()
    assert ticket["text"][found["quote_start"] : found["quote_end"]] == found["quote"] == ticket["issues"][0]["quote"]
    assert ticket["comments"][0]["text_end"] == len(ticket["text"])
    assert ticket["analyses"][0]["outcome"] == "issues"
    assert ticket["zendesk_ticket_id"] is None


def test_a_run_tells_its_steps(client: TestClient, session: Session) -> None:
    run = make_run(session, job_name="sync", args={"backfill_days": 7})
    session.add(JobRunStep(run_id=run.id, position=0, name="sync", unit="tickets"))
    session.commit()
    found = client.get(f"/api/runs/{run.id}").json()
    assert (found["job"], found["args"], found["state"], found["started_at"]) == (
        "sync",
        {"backfill_days": 7},
        "queued",
        None,
    )
    assert [(step["name"], step["done"], step["total"]) for step in found["steps"]] == [("sync", 0, None)]
    assert [one["id"] for one in client.get("/api/runs?state=queued&job=sync").json()["items"]] == [run.id]
    assert client.get("/api/runs?state=failed").json()["items"] == []


@pytest.mark.parametrize("path", ["/api/runs/7", "/api/tickets/7", "/api/nothing"])
def test_what_is_not_there_is_a_problem_object(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_who_is_not_known_is_asked_for_a_token_and_let_in_with_one(stranger: TestClient) -> None:
    answer = stranger.get("/api/runs")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert stranger.get("/api/runs", headers={"authorization": f"Bearer {new_token()}"}).status_code == 200
