"""The task endpoints, in the shapes that others rely on."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.models import JobRun
from miner.runs.pausing import pause_all
from tests.factories import TESTER, make_run

NOW = dt.datetime.now(dt.UTC)
PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("path", "body", "task", "message", "args"),
    [
        ("sync", {"backfill_days": 7}, "sync", "Sync task started", {"backfill_days": 7}),
        ("analyze", {"batch_size": 500}, "analysis", "Analysis task started", {"batch_size": 500}),
        ("pipeline", {"backfill_days": 7, "batch_size": 9}, "pipeline", "Full pipeline started", None),
        ("trends", {}, "trends", "Update trends task started", {}),
        ("cluster", {}, "cluster", "Group issues task started", {}),
    ],
)
def test_a_task_is_accepted_and_becomes_a_run(
    client: TestClient, session: Session, path: str, body: dict[str, int], task: str, message: str, args: Any
) -> None:
    answer = client.post(f"/api/tasks/{path}", json=body)
    assert answer.status_code == 202
    found = answer.json()
    run = session.query(JobRun).one()
    assert {name: found[name] for name in ("message", "task", "status")} == {
        "message": message,
        "task": task,
        "status": "started",
    }
    assert (found["run_id"], found["url"], answer.headers["location"]) == (run.id, f"/runs/{run.id}", f"/runs/{run.id}")
    assert run.args == (body if args is None else args)
    assert run.trigger == "api"


def test_an_empty_body_means_the_defaults(client: TestClient, session: Session) -> None:
    assert client.post("/api/tasks/analyze").status_code == 202
    assert client.post("/api/tasks/sync", json={}).status_code == 202
    assert [run.args for run in session.query(JobRun).order_by(JobRun.id)] == [{"batch_size": 500}, {}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"backfill_days": 0}, "backfill_days"),
        ({"backfill_days": 3651}, "backfill_days"),
        ({"backfill_days": "7"}, "backfill_days"),
        ({"backfill_days": 1.5}, "backfill_days"),
        ({"backfill_days": True}, "backfill_days"),
        ({"backfill_days": []}, "backfill_days"),
        ({"nonsense": 1}, "nonsense"),
        ({"batch_size": 5}, "batch_size"),
        ([], "body"),
        (7, "body"),
        ("x", "body"),
    ],
)
def test_a_refused_field_is_named_and_nothing_starts(
    client: TestClient, session: Session, body: object, field: str
) -> None:
    answer = client.post("/api/tasks/sync", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM
    found = answer.json()
    assert found["errors"][0]["loc"] == [field]
    assert (found["status"], found["title"]) == (422, "Not valid")
    assert session.query(JobRun).count() == 0


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"backfill_days": NaN}', "application/json", 400),
        (b"[" * 30_000, "application/json", 400),
        (b'{"a":' * 9_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"backfill_days=7", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (b"  ", "text/plain", 202),
        (b'{"backfill_days": 7}', "application/json; charset=utf-8", 202),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    client: TestClient, content: bytes, content_type: str, status: int
) -> None:
    answer = client.post("/api/tasks/sync", content=content, headers={"content-type": content_type})
    assert answer.status_code == status
    if status != 202:
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["status"] == status


def test_a_task_that_is_active_is_refused_with_its_run(client: TestClient) -> None:
    first = client.post("/api/tasks/pipeline").json()
    answer = client.post("/api/tasks/sync")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == PROBLEM
    found = answer.json()
    assert (found["run_id"], found["job"], found["state"], found["url"]) == (
        first["run_id"],
        "pipeline",
        "queued",
        first["url"],
    )
    assert "wait for it or cancel it" in found["detail"]


def test_the_same_idempotency_key_returns_the_first_run(client: TestClient, session: Session) -> None:
    headers = {"Idempotency-Key": "deploy-7"}
    first = client.post("/api/tasks/trends", headers=headers).json()
    again = client.post("/api/tasks/trends", headers=headers)
    assert again.status_code == 202
    assert (again.json()["run_id"], again.json()["created"], first["created"]) == (first["run_id"], False, True)
    assert session.query(JobRun).count() == 1
    assert client.post("/api/tasks/trends", headers={"Idempotency-Key": "x" * 201}).status_code == 422


def test_a_key_or_a_body_that_cannot_be_stored_is_refused(client: TestClient, session: Session) -> None:
    answer = client.post("/api/tasks/trends", headers={"Idempotency-Key": "a\x00b"})
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["Idempotency-Key"])
    for content in (rb'{"a": "\ud800"}', rb'{"\ud800": 1}', rb'{"a": [{"b": "\u0000"}]}'):
        answer = client.post("/api/tasks/sync", content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
        assert "cannot be stored" in answer.json()["detail"]
    assert session.query(JobRun).count() == 0


@pytest.mark.parametrize("path", ["import", "nonsense", "sync/", "SYNC", "%00"])
def test_a_task_that_the_network_may_not_start_is_not_found(client: TestClient, path: str) -> None:
    answer = client.post(f"/api/tasks/{path}", json={"path": "/etc/passwd"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM


def test_another_method_is_refused_with_the_ones_there_are(client: TestClient) -> None:
    answer = client.get("/api/tasks/sync")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"] == PROBLEM


def test_the_scheduler_tells_each_schedule_as_before(client: TestClient) -> None:
    found = client.get("/api/tasks/scheduler/status").json()
    assert [(one["id"], one["name"], one["trigger"]) for one in found][:2] == [
        ("daily_sync", "Daily Zendesk Sync", "cron[hour='2', minute='0']"),
        ("hourly_trends", "Hourly Trends", "cron[minute='0']"),
    ]
    upcoming = dt.datetime.fromisoformat(found[0]["next_run"])
    assert (upcoming.utcoffset(), upcoming.hour, upcoming.minute) == (dt.timedelta(0), 2, 0)
    assert upcoming > NOW


def test_the_next_run_is_told_in_the_zone_of_the_schedule(client: TestClient, session: Session) -> None:
    session.execute(text("UPDATE schedules SET timezone = 'Asia/Kolkata', next_fire_at = NULL"))
    session.execute(text("UPDATE schedules SET paused_at = now(), paused_by = 'ann' WHERE id = 'hourly_trends'"))
    session.commit()
    daily, hourly, *_ = client.get("/api/tasks/scheduler/status").json()
    assert daily["next_run"].endswith("T02:00:00+05:30")
    assert (hourly["next_run"], hourly["paused"]) == (None, True)


def status(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/tasks/worker/status").json()
    return found


def test_the_worker_is_idle_before_anything_ran(client: TestClient) -> None:
    found = status(client)
    assert {
        name: found[name]
        for name in ("status", "progress", "is_running", "started_at", "completed_at", "last_result", "last_error")
    } == {
        "status": "idle",
        "progress": None,
        "is_running": False,
        "started_at": None,
        "completed_at": None,
        "last_result": None,
        "last_error": None,
    }


def test_the_worker_tells_the_oldest_active_run_and_lists_all(client: TestClient, session: Session) -> None:
    running = make_run(
        session,
        job_name="sync",
        state="running",
        started_at=NOW,
        created_at=NOW,
        attempt=1,
        lease_owner=uuid4(),
        lease_expires_at=NOW,
        claimed_at=NOW,
        args={"backfill_days": 1},
        current_step="sync",
    )
    queued = make_run(session, job_name="trends")
    session.commit()
    found = status(client)
    assert (found["status"], found["is_running"], found["run_id"]) == ("running", True, running.id)
    assert found["progress"] == "Syncing tickets (backfill: 1)..."
    assert dt.datetime.fromisoformat(found["started_at"]) == NOW
    assert found["completed_at"] is None
    assert [run["id"] for run in found["runs"]] == [running.id, queued.id]


def test_a_run_that_is_queued_for_later_is_listed_but_the_worker_is_not_running(
    client: TestClient, session: Session
) -> None:
    done = make_run(session, state="completed", started_at=NOW, created_at=NOW, finished_at=NOW, attempt=1)
    later = make_run(session, job_name="trends", run_after=NOW + dt.timedelta(days=1))
    session.commit()
    found = status(client)
    assert (found["status"], found["is_running"], found["progress"]) == ("completed", False, None)
    assert (found["run_id"], [run["id"] for run in found["runs"]]) == (done.id, [later.id])
    due = make_run(session, job_name="sync")
    session.commit()
    found = status(client)
    assert (found["status"], found["is_running"], found["run_id"]) == ("running", True, due.id)


def test_the_worker_says_that_everything_is_paused(client: TestClient, session: Session) -> None:
    assert status(client)["paused"] is None
    pause_all(session, "moving", by=TESTER)
    session.commit()
    found = status(client)["paused"]
    assert (found["reason"], found["by"]) == ("moving", "code tester")
    assert dt.datetime.fromisoformat(found["since"]).tzinfo is not None


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("completed", "completed"),
        ("failed", "failed"),
        ("crashed", "failed"),
        ("cancelled", "idle"),
        ("skipped", "idle"),
    ],
)
def test_without_an_active_run_the_worker_tells_the_one_that_ended_last(
    client: TestClient, session: Session, state: str, word: str
) -> None:
    started: dict[str, Any] = {"started_at": NOW, "created_at": NOW, "attempt": 1}
    more: dict[str, dict[str, Any]] = {
        "completed": {"counters": {"tickets": 3}},
        "failed": {"error_class": "E", "error_message": "it is gone"},
        "crashed": {"error_class": "E", "error_message": "it is gone"},
        "cancelled": {"cancel_requested_at": NOW, "cancel_requested_by": "ann"},
        "skipped": {"skip_reason": "busy", "started_at": None, "attempt": 0},
    }
    earlier = NOW - dt.timedelta(hours=1)
    make_run(
        session,
        state="failed",
        started_at=earlier,
        created_at=earlier,
        finished_at=earlier,
        attempt=1,
        error_class="E",
        error_message="older",
    )
    make_run(session, state=state, finished_at=NOW, **{**started, **more[state]})
    session.commit()
    found = status(client)
    assert (found["status"], found["is_running"], found["progress"]) == (word, False, None)
    assert found["last_result"] == ({"tickets": 3} if state == "completed" else None)
    assert found["last_error"] == ("it is gone" if word == "failed" else None)
    assert dt.datetime.fromisoformat(found["completed_at"]) == NOW
