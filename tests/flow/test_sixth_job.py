"""A job is one declaration: a sixth one is started through every handle, and each makes the same kind of row."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from miner import db
from miner.cli import main
from miner.errors import InvalidArguments
from miner.runs import lifecycle, schedules
from miner.runs.schedule_edits import set_schedule
from tests.dashboard.conftest import make_client
from tests.factories import TESTER
from tests.support.jobs import count_actor


@pytest.fixture
def client(database: str) -> Iterator[TestClient]:
    with make_client() as client:
        client.headers["sec-fetch-site"] = "same-origin"
        yield client


def newest() -> Any:
    with db.transaction() as session:
        return session.execute(text("SELECT * FROM job_runs ORDER BY id DESC LIMIT 1")).one()


def end() -> None:
    """Free the job's key for the next handle."""
    with db.transaction() as session:
        lifecycle.request_cancel(session, newest().id, by=TESTER)


def test_a_new_job_has_its_card_and_form_and_starts_by_its_button(client: TestClient) -> None:
    page = client.get("/runs").text
    assert "Counts, for tests." in page
    assert "How far to count." in page
    answer = client.post("/runs", data={"job": "count", "to": "4", "pause_ms": "0", "trouble": "none", "at": "0"})
    assert answer.status_code == 303, answer.text
    run = newest()
    assert answer.headers["location"].startswith(f"/runs/{run.id}")
    assert (run.job_name, run.trigger, run.args["to"]) == ("count", "button", 4)


def test_it_starts_over_the_api_and_a_wrong_argument_is_named(client: TestClient) -> None:
    answer = client.post("/api/tasks/count", json={"to": 5})
    assert answer.status_code == 202, answer.text
    run = newest()
    assert (run.trigger, run.args["to"], str(run.id)) == ("api", 5, str(answer.json()["run_id"]))
    refused = client.post("/api/tasks/count", json={"to": 0})
    assert refused.status_code == 422
    assert "to" in refused.text
    active = client.post("/api/tasks/count", json={})
    assert active.status_code == 409
    assert str(run.id) in active.text


def test_it_starts_from_the_command_line_with_its_own_options(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "count", "--to", "2", "--here", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["args"]["to"], found["steps"][0]["done"]) == ("completed", 2, 2)
    assert newest().trigger == "cli"


def test_it_starts_by_a_schedule_made_for_it(database: str) -> None:
    with db.transaction() as session:
        set_schedule(session, "counting", {"job_name": "count", "cron": "@hourly", "args": {"to": 6}}, by=TESTER)
    with db.transaction() as session:
        later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=61)
        session.execute(text("DELETE FROM schedules WHERE id <> 'counting'"))
        schedules.tick(session, now=later)
    run = newest()
    assert (run.job_name, run.trigger, run.schedule_id, run.args["to"]) == ("count", "schedule", "counting", 6)


def test_it_starts_by_sending_to_its_actor(database: str) -> None:
    [run_id] = count_actor.send(to=7).args
    assert (newest().id, newest().trigger, newest().args["to"]) == (run_id, "code", 7)
    end()
    with pytest.raises(InvalidArguments):
        count_actor.send(up_to=7)
