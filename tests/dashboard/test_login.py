"""From a token to a session, and out again."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from dashboard.pages.login import safe_next
from miner import db, sessions, tokens
from miner.access import Role
from miner.login import WRONG_TOKEN
from tests.dashboard.conftest import ELSEWHERE, PRODUCTION, make_client, new_session, new_token
from tests.factories import TESTER

SAME = {"sec-fetch-site": "same-origin"}


def log_in(client: TestClient, token: str, **form: str) -> tuple[str, str]:
    """The place one is sent to, and the session cookie line."""
    answer = client.post("/login", data={"token": token, **form}, headers=SAME)
    assert answer.status_code == 303
    return answer.headers["location"], next(line for line in answer.headers.get_list("set-cookie") if "sid=" in line)


def test_a_pasted_token_becomes_a_session_and_leads_back(stranger: TestClient) -> None:
    place, line = log_in(stranger, f"  {new_token()}\n", next="/themes?flag=new")
    assert place == "/themes?flag=new"
    value, *attributes = line.split("; ")
    assert value.startswith("sid=")
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=lax"}
    page = stranger.get("/themes").text
    assert "Log out" in page
    assert "You are logged in." in page
    assert "You are logged in." not in stranger.get("/themes").text
    assert "Open to everybody" not in page


def test_in_production_the_cookie_is_bound_to_host_and_https(database: str) -> None:
    token = new_token()
    with make_client(PRODUCTION, base_url="https://issues.example.com") as client:
        _, line = log_in(client, token)
        value, *attributes = line.split("; ")
        assert value.startswith("__Host-sid=")
        assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=lax", "Secure"}
        assert client.get("/themes").status_code == 200


def test_the_cookie_is_secure_wherever_people_come_over_https(database: str) -> None:
    token = new_token()
    environ = {"PUBLIC_URL": "https://issues.example.com"}
    with make_client(environ, peer=ELSEWHERE, base_url="https://issues.example.com") as client:
        answer = client.post("/login", data={"token": token}, headers=SAME)
        lines = answer.headers.get_list("set-cookie")
        assert {line.split("=")[0] for line in lines} == {"__Host-sid", "flash"}
        assert all("Secure" in line.split("; ") for line in lines)
        assert client.get("/themes").status_code == 200


def test_every_failure_reads_the_same(stranger: TestClient) -> None:
    good = new_token()
    with db.transaction() as session:
        row, revoked = tokens.create_token(session, name="old", role=Role.admin, by=TESTER)
        tokens.revoke_token(session, row.id, by=TESTER)
    wrong_secret = good[:-1] + ("A" if good[-1] != "A" else "B")
    answers = [
        stranger.post("/login", data={"token": token}, headers=SAME)
        for token in ("x", wrong_secret, revoked, "miner_00000000_" + "x" * 43, "é\x00")
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.text for answer in answers}) == 1
    assert WRONG_TOKEN in answers[0].text
    assert all("set-cookie" not in answer.headers for answer in answers)


def test_the_token_never_comes_back_in_the_page(stranger: TestClient) -> None:
    token = new_token() + "x"
    assert token[:-1] not in stranger.post("/login", data={"token": token}, headers=SAME).text


def test_a_login_ends_the_session_the_browser_had(stranger: TestClient) -> None:
    old = new_session()
    stranger.cookies.set("sid", old, domain="localhost.local")
    answer = stranger.post("/login", data={"token": new_token()}, headers={**SAME, "cookie": f"sid={old}"})
    assert answer.status_code == 303
    with db.transaction() as session:
        assert sessions.find_session(session, old, touch=True) is None
        assert session.scalar(text("SELECT count(*) FROM sessions WHERE ended_at IS NULL")) == 1


def test_after_logging_out_the_old_cookie_is_worthless(stranger: TestClient) -> None:
    log_in(stranger, new_token())
    old = stranger.cookies["sid"]
    answer = stranger.post("/logout", headers=SAME)
    assert answer.headers["location"] == "/login"
    assert any(line.startswith('sid="";') and "Max-Age=0" in line for line in answer.headers.get_list("set-cookie"))
    assert stranger.get("/themes", headers={"cookie": f"sid={old}"}).headers["location"] == "/login?next=%2Fthemes"


def test_a_page_is_asked_for_again_after_the_login_but_an_action_is_not(stranger: TestClient) -> None:
    assert stranger.get("/issues?type=bug").headers["location"] == "/login?next=%2Fissues%3Ftype%3Dbug"
    assert stranger.post("/runs", data={"job": "sync"}).headers["location"] == "/login"


def test_the_login_page_says_how_to_make_the_first_token(stranger: TestClient) -> None:
    assert "miner users create" in stranger.get("/login").text
    new_token()
    assert "miner users create" not in stranger.get("/login").text


@pytest.mark.parametrize("address", ["/", "/themes?x=1&y=/z", "/weeks/2026-W01#top"])
def test_a_path_of_ours_is_followed(address: str) -> None:
    assert safe_next(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "//e.example",
        "/\\e.example",
        "https:e.example",
        "https://e.example",
        "",
        "e",
        "\t/e",
        "/\t/e.example",
        "/%09/e.example\n",
        "/\r\nSet-Cookie: x=1",
        "javascript:alert(1)",
        "///e",
        "/a\\b",
        "/" + "x" * 3000,
        "//[",
        "/\x00",
    ],
)
def test_any_other_address_leads_to_the_week(address: str) -> None:
    assert safe_next(address) == "/"


def test_a_login_does_not_lead_to_another_site(stranger: TestClient) -> None:
    assert log_in(stranger, new_token(), next="//e.example")[0] == "/"
    assert 'value="/"' in stranger.get("/login", params={"next": "https://e.example"}).text
