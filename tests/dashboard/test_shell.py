"""What every answer carries, and what is turned away before any handler runs."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dashboard.http import GuardedRoute
from dashboard.routes import routes
from dashboard.security.headers import ALWAYS, POLICY
from dashboard.security.sizes import LARGEST_BODY
from miner import db
from tests.dashboard.conftest import HERE, PRODUCTION, make_client, new_token


def break_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> object:
        raise RuntimeError("secret detail postgresql://ann:hunter2@db/x SELECT")

    monkeypatch.setattr("miner.runs.queries.list_schedules", fail)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/themes",
        "/nothing",
        "/themes/1",
        "/api/nothing",
        "/static/miner.css",
        "/healthz",
        "/static/none.css",
        "/login",
        "/schedules",
    ],
)
def test_every_answer_carries_the_security_headers(
    client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_the_database(monkeypatch)
    answer = client.get(path)
    assert answer.status_code == {"/schedules": 500}.get(path, answer.status_code)
    for name, value in ALWAYS.items():
        assert answer.headers[name] == value
    assert len(answer.headers["x-request-id"]) == 16
    assert "strict-transport-security" not in answer.headers


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert POLICY.startswith("default-src 'none'")


def test_an_unexpected_error_shows_the_request_id_and_nothing_else(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_the_database(monkeypatch)
    page, api = client.get("/schedules"), client.get("/api/tasks/scheduler/status")
    for answer in (page, api):
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] in answer.text
        assert "secret detail" not in answer.text
        assert "Traceback" not in answer.text
    assert api.headers["content-type"] == "application/problem+json"


def test_an_unexpected_error_is_logged_once_with_its_traceback_and_the_id_that_is_shown(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    break_the_database(monkeypatch)
    # As a server sees it: an error that came out of the application would be logged again, with everything in it.
    server = TestClient(client.app, base_url="http://localhost", client=HERE, raise_server_exceptions=True)
    shown = server.get("/schedules").headers["x-request-id"]
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    (line,) = [line for line in lines if "exception" in line]
    assert (line["event"], line["level"], line["request_id"]) == ("request_failed", "error", shown)
    assert "Traceback (most recent call last)" in line["exception"]
    assert "secret detail postgresql://ann:***@db/x SELECT" in line["exception"]
    assert "hunter2" not in caplog.text


def test_an_error_page_that_breaks_itself_is_a_plain_sentence(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("no template")

    monkeypatch.setattr("dashboard.render.page", fail)
    answer = client.get("/themes")
    assert answer.status_code == 500
    assert answer.text == f"Something went wrong. Request {answer.headers['x-request-id']}\n"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no template" in caplog.text


def test_in_production_browsers_are_told_to_stay_on_https(database: str) -> None:
    new_token()
    with make_client(PRODUCTION, base_url="https://issues.example.com") as client:
        assert client.get("/healthz").headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "no-store"),
        ("/api/runs", "no-store"),
        ("/static/miner.css", "no-cache"),
        ("/static/none.css", "no-store"),
        ("/static/none.css?v=1", "no-store"),
        ("/static/vendor/none.js", "no-store"),
        ("/static/miner.css?v=1", "public, max-age=31536000, immutable"),
        ("/static/vendor/htmx-4.0.1.min.js", "public, max-age=31536000, immutable"),
    ],
)
def test_pages_are_never_stored_and_versioned_files_for_ever(client: TestClient, path: str, expected: str) -> None:
    assert client.get(path).headers["cache-control"] == expected


def test_a_versioned_file_that_has_not_changed_is_kept_for_ever_too(client: TestClient) -> None:
    path = "/static/miner.css?v=1"
    answer = client.get(path, headers={"if-none-match": client.get(path).headers["etag"]})
    assert (answer.status_code, answer.headers["cache-control"]) == (304, "public, max-age=31536000, immutable")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "",
        "127.0.0.1.evil.example:80",
        "[::2]",
        "[",
        "localhost:80@evil.example",
        "localhost:x",
        "localhost:",
        "localhost/evil.example",
        "localhost:80, evil.example",
        "[::1]evil.example",
    ],
)
def test_an_address_that_is_not_ours_is_turned_away(client: TestClient, host: str) -> None:
    answer = client.get("/themes", headers={"host": host})
    assert answer.status_code == 400
    assert "PUBLIC_URL" in answer.text
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_the_names_of_this_machine_are_ours(client: TestClient, host: str) -> None:
    assert client.get("/themes", headers={"host": host}).status_code == 200


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(client: TestClient) -> None:
    large = b"x" * (LARGEST_BODY + 1)
    for body in (large, iter([large[:40_000], large[40_000:]])):
        answer = client.post("/api/tasks/sync", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["title"] == "Too large"
    page = client.post("/runs", content=large, headers={"content-type": "application/x-www-form-urlencoded"})
    assert page.status_code == 413
    assert "64 KiB" in page.text
    with db.transaction() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM job_runs").scalar() == 0


def test_a_length_that_is_no_number_is_refused(client: TestClient) -> None:
    for length in ("-1", "9" * 5000, "1e3", "٣"):
        answer = client.post("/api/tasks/sync", content=b"{}", headers={"content-length": length.encode()})  # type: ignore[dict-item]
        assert answer.status_code == 413


def test_without_its_database_every_page_says_so_and_the_process_still_answers(client: TestClient) -> None:
    db.use_engine(db.make_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing", size=1))
    page, api = client.get("/themes"), client.get("/api/themes")
    assert (page.status_code, api.status_code) == (503, 503)
    assert "The database does not answer" in page.text
    assert "127.0.0.1" not in page.text
    assert page.headers["retry-after"] == "5"
    assert client.get("/healthz").status_code == 200


def test_every_route_answers_a_stranger_with_the_security_headers(stranger: TestClient) -> None:
    for route in (one for one in routes() if isinstance(one, GuardedRoute)):
        path = re.sub(r"\{(\w+):(\w+)\}", lambda match: {"id": "1", "week": "2026-W47"}.get(match[2], "x"), route.path)
        for method in ("GET", "POST", "TRACE", "DELETE"):
            answer = stranger.request(method, path)
            assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, (method, path)
            assert answer.status_code == 405 or method in ("GET", "POST"), (method, path)


def test_the_key_of_a_one_time_link_stands_in_no_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = "k" * 43
    client.get("/welcome", params={"key": key})
    client.post("/welcome", data={"key": key, "password": "a long password of mine", "again": "x"})
    client.get("/nothing", params={"key": key})
    assert "welcome" in caplog.text
    assert key not in caplog.text
    assert "a long password of mine" not in caplog.text


@pytest.mark.parametrize("file", ["Procfile", "miner/supervisor.py"])
def test_the_server_writes_no_access_log_which_would_hold_queries(file: str) -> None:
    assert "--no-access-log" in (Path(__file__).parents[2] / file).read_text(encoding="utf-8")
