"""Nobody floods the queue with a button or the API."""

from __future__ import annotations

from sqlalchemy import select
from starlette.testclient import TestClient

from miner import db, throttle, tokens, users
from miner.access import Role
from miner.models import Backlog, JobRun
from miner.runs import lifecycle
from tests.dashboard.conftest import new_token
from tests.factories import TESTER, make_backlog, make_run


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


def test_answering_backlogs_and_waking_runs_count_like_starts(stranger: TestClient) -> None:
    bearer = {"authorization": f"Bearer {new_token(Role.operator)}"}
    same = {**bearer, "sec-fetch-site": "same-origin"}
    with db.transaction() as session:
        backlogs = [make_backlog(session).id for _ in range(throttle.STARTS + 2)]
        run_id = make_run(session, job_name="pipeline").id
    for number in range(throttle.STARTS):
        answer = stranger.post(f"/api/backlogs/{backlogs[number]}", json={"answer": "read"}, headers=bearer)
        assert answer.json()["run_id"] is not None
        finish_all()
    assert stranger.post(f"/api/backlogs/{backlogs[-2]}", json={"answer": "read"}, headers=bearer).status_code == 429
    assert stranger.post(f"/backlogs/{backlogs[-2]}/answer", data={"answer": "read"}, headers=same).status_code == 429
    assert stranger.post(f"/runs/{run_id}/wake", headers=same).status_code == 429
    assert stranger.post(f"/backlogs/{backlogs[-1]}/answer", data={"answer": "leave"}, headers=same).status_code == 303
    with db.transaction() as session:
        assert session.get_one(Backlog, backlogs[-2]).answer is None


def test_a_wake_that_woke_nothing_does_not_count(stranger: TestClient) -> None:
    same = {"authorization": f"Bearer {new_token(Role.operator)}", "sec-fetch-site": "same-origin"}
    with db.transaction() as session:
        run_id = make_run(session).id
    for _ in range(10):
        assert stranger.post(f"/runs/{run_id}/wake", headers=same).status_code == 303
    assert stranger.post("/runs/999/wake", headers=same).status_code == 404


def test_many_tokens_of_one_user_are_one_user(stranger: TestClient) -> None:
    with db.transaction() as session:
        user, _ = users.create_user(session, email="ada@example.com", name="Ada", role=Role.operator, by=TESTER)
        by = users.actor_of(user, address=None)
        plains = [
            tokens.create_token(session, name=f"t{number}", role=Role.operator, by=by)[1]
            for number in range(throttle.STARTS + 1)
        ]
    found = []
    for plain in plains:
        found.append(stranger.post("/api/tasks/trends", headers={"authorization": f"Bearer {plain}"}).status_code)
        finish_all()
    assert found == [202] * throttle.STARTS + [429]


def test_whoever_sits_at_a_development_machine_is_not_counted(client: TestClient) -> None:
    for _ in range(throttle.STARTS + 2):
        assert client.post("/api/tasks/trends").status_code == 202
        finish_all()
