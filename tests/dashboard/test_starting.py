"""Nobody floods the queue with a button or the API."""

from __future__ import annotations

from sqlalchemy import select
from starlette.testclient import TestClient

from miner import db, throttle
from miner.access import Role
from miner.models import JobRun
from miner.runs import lifecycle
from tests.dashboard.conftest import new_token
from tests.factories import TESTER


def finish_all() -> None:
    with db.transaction() as session:
        for run_id in session.scalars(select(JobRun.id).where(JobRun.state == "queued")).all():
            lifecycle.request_cancel(session, run_id, by=TESTER)


def test_the_sixth_start_within_ten_minutes_has_to_wait(stranger: TestClient) -> None:
    bearer = {"authorization": f"Bearer {new_token(Role.operator)}"}
    for _ in range(throttle.STARTS):
        assert stranger.post("/api/tasks/trends", headers=bearer).status_code == 202
        finish_all()
    answer = stranger.post("/api/tasks/trends", headers=bearer)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= throttle.STARTS_SECONDS
    assert "Trends was started 5 times within 10 minutes" in answer.json()["detail"]
    assert stranger.post("/api/tasks/cluster", headers=bearer).status_code == 202


def test_what_started_nothing_does_not_count(stranger: TestClient) -> None:
    bearer = {"authorization": f"Bearer {new_token(Role.operator)}"}
    assert stranger.post("/api/tasks/trends", headers=bearer).status_code == 202
    for _ in range(10):
        assert stranger.post("/api/tasks/trends", headers=bearer).status_code == 409
        assert stranger.post("/api/tasks/analyze", json={"batch_size": 0}, headers=bearer).status_code == 422
    finish_all()
    key = {"idempotency-key": "one"}
    for _ in range(10):
        assert stranger.post("/api/tasks/trends", headers={**bearer, **key}).status_code == 202


def test_whoever_sits_at_a_development_machine_is_not_counted(client: TestClient) -> None:
    for _ in range(throttle.STARTS + 2):
        assert client.post("/api/tasks/trends").status_code == 202
        finish_all()
