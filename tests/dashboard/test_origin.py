"""Requests that another site makes a browser send."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from dashboard.security.origin import refusal
from miner import db
from tests.dashboard.conftest import ELSEWHERE, PRODUCTION, make_client, new_session, new_token

OURS = "https://issues.example.com"


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "nonsense"}, False),
        ({"sec-fetch-site": "cross-site", "origin": OURS}, False),
        ({"sec-fetch-site": "same-origin", "cookie": "sid=1"}, True),
        ({"origin": OURS}, True),
        ({"origin": OURS.upper(), "cookie": "sid=1"}, True),
        ({"origin": "http://localhost:8000"}, True),
        ({"origin": "http://localhost:9000"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({}, True),
        ({"cookie": "sid=1"}, False),
        ({"authorization": "Bearer x", "sec-fetch-site": "cross-site"}, True),
        ({"authorization": "Basic x", "sec-fetch-site": "cross-site"}, False),
    ],
)
def test_which_unsafe_requests_pass(headers: dict[str, str], passes: bool) -> None:
    found = refusal("POST", {"host": "localhost:8000", **headers}, {OURS, "http://localhost:8000"})
    assert (found is None) == passes


def test_looking_is_always_allowed() -> None:
    assert refusal("GET", {"sec-fetch-site": "cross-site", "cookie": "sid=1"}, set()) is None


def test_behind_https_the_same_name_over_plain_http_is_another_site(database: str) -> None:
    cookie = {"cookie": f"__Host-sid={new_session()}"}
    with make_client({"PUBLIC_URL": OURS}, peer=ELSEWHERE, base_url=OURS) as client:
        for origin, status in (("http://issues.example.com", 403), (OURS, 303)):
            answer = client.post("/runs", data={"job": "trends"}, headers={**cookie, "origin": origin})
            assert answer.status_code == status, origin


def test_behind_https_a_developer_may_still_work_on_this_machine(database: str) -> None:
    with make_client({"PUBLIC_URL": OURS}, base_url="http://localhost:8000") as client:
        answer = client.post("/runs", data={"job": "trends"}, headers={"origin": "http://localhost:8000"})
        assert answer.status_code == 303


def test_another_site_cannot_press_a_button_here(client: TestClient) -> None:
    answer = client.post("/runs", data={"job": "trends"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    with db.transaction() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM job_runs").scalar() == 0


def test_the_refusal_is_a_problem_object_below_the_api(client: TestClient) -> None:
    answer = client.post("/api/tasks/trends", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_bearer_token_is_never_sent_by_a_browser_on_its_own_so_it_passes(database: str) -> None:
    token = new_token()
    with make_client(PRODUCTION, base_url=OURS) as client:
        headers = {"authorization": f"Bearer {token}", "sec-fetch-site": "cross-site"}
        assert client.post("/api/tasks/trends", headers=headers).status_code == 202


def test_a_session_cookie_from_another_site_does_nothing(database: str) -> None:
    cookie = new_session()
    with make_client(PRODUCTION, base_url=OURS) as client:
        headers = {"cookie": f"__Host-sid={cookie}", "origin": "https://evil.example"}
        assert client.post("/runs", data={"job": "trends"}, headers=headers).status_code == 403
        headers = {"cookie": f"__Host-sid={cookie}", "origin": OURS}
        assert client.post("/runs", data={"job": "trends"}, headers=headers).status_code == 303
