"""Who may do what: every route, asked by every role, in every way of saying who one is."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.app import build_app
from dashboard.http import GuardedRoute
from dashboard.routes import routes
from miner import db, sessions, tokens, users
from miner.access import Actor, Role
from miner.config import Config
from miner.models import AuditEntry
from miner.themes import edits, follow
from tests.dashboard.conftest import ELSEWHERE, HERE, PRODUCTION, make_client, new_session, new_token
from tests.factories import TESTER, make_backlog, make_issue, make_run, make_theme, make_ticket

# On the way in: what leads back to the login without a half-open session, and what refuses an empty form.
ENTRANCE = {"/login", "/login/code", "/login/enrol", "/welcome"}
HOLLOW = {
    "/tokens/revoke", "/account/sessions/end", "/corrections/{id:id}/undo", "/api/corrections/{id:id}/undo",
    "/themes/links/{id:id}/remove", "/themes/{id:id}/reports",
    "/check/items/{id:id}", "/settings/again/trials/{id:id}", "/settings/again/{id:id}/undo",
    "/settings/versions/{id:id}/restore",
    "/views/{id:id}/rename", "/views/{id:id}/delete",
}  # fmt: skip
CLI = Actor("cli", "tester", Role.admin)
# A hook knows no people, only signatures: test_hooks.py.
TABLE = [route for route in routes() if isinstance(route, GuardedRoute) and not route.path.startswith("/hooks/")]


@pytest.fixture
def rows(database: str) -> dict[str, int]:
    """Something at every address."""
    with db.transaction() as session:
        ticket, theme = make_ticket(session), make_theme(session)
        issue = make_issue(session, ticket, theme_id=theme.id)
        run, backlog = make_run(session), make_backlog(session)
        user, _ = users.create_user(session, email="ada@example.com", name="Ada", role=Role.viewer, by=TESTER)
        ids = {"themes": theme.id, "tickets": ticket.id, "runs": run.id, "users": user.id, "issues": issue.id}
        change = edits.pin_issue(session, issue.id, pinned=True, by=TESTER)
        link = follow.add_link(session, theme.id, url="https://jira.example.com/browse/APP-7", by=TESTER)
        line = follow.add_note(session, theme.id, note="Looked at", by=TESTER)
        ids |= {"themes/links": link.id, "themes/log": line.id}
        return ids | {"backlogs": backlog.id, "themes/changes": change.id}


def address(route: GuardedRoute, rows: dict[str, int]) -> str:
    noun = route.path.removeprefix("/api").partition("/{id:id}")[0].strip("/")
    path = (
        route.path.replace("{week:week}", "2026-W47").replace("{job:slug}", "trends").replace("{group:slug}", "themes")
    )
    path = path.replace("{list:slug}", "issues")
    return path.replace("{id:id}", str(rows.get(noun, 1))).replace("{id:slug}", "hourly_trends")


def ask(client: TestClient, route: GuardedRoute, rows: dict[str, int], headers: dict[str, str]) -> tuple[int, str]:
    method = next(one for one in ("POST", "PATCH", "GET") if one in (route.methods or ()))
    form = {"/runs": {"job": "trends"}, "/backlogs/{id:id}/answer": {"answer": "leave"}}.get(route.path)
    sent = {"answer": "leave"} if route.path == "/api/backlogs/{id:id}" and method == "POST" else None
    body = {"data": form} if not route.path.startswith("/api") else {"json": sent} if sent else {}
    answer = client.request(method, address(route, rows), headers={"sec-fetch-site": "same-origin", **headers}, **body)  # type: ignore[arg-type]
    return answer.status_code, answer.headers.get("location", "")


def sent_away(route: GuardedRoute, status: int, location: str) -> bool:
    """Whether the answer is the one that somebody who is not logged in gets."""
    return status == 401 if route.path.startswith("/api") else (status, location.split("?")[0]) == (303, "/login")


@pytest.mark.parametrize("way", ["session", "token"])
@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_exactly_what_the_table_says(
    stranger: TestClient, rows: dict[str, int], role: Role, way: str
) -> None:
    for route in TABLE:
        headers = (
            {"cookie": f"sid={new_session(role)}"}
            if way == "session"
            else {"authorization": f"Bearer {new_token(role)}"}
        )
        status, location = ask(stranger, route, rows, headers)
        if route.role is None or role >= route.role:
            # 409: the button was pressed before in this walk; 422: the form was empty.
            assert status < 400 or status in (409, 422) or route.path in ENTRANCE | HOLLOW, (route, status)
            assert route.path in ENTRANCE | {"/logout"} or not sent_away(route, status, location), route
        else:
            assert status == 403, (route, status)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": "sid=guess"},
        {"authorization": "Bearer miner_01234567_" + "x" * 43},
        {"authorization": "Bearer"},
        {"authorization": "Basic YTpi"},
    ],
)
def test_nobody_may_do_anything_but_log_in(stranger: TestClient, rows: dict[str, int], headers: dict[str, str]) -> None:
    for route in TABLE:
        status, location = ask(stranger, route, rows, headers)
        if route.role is None:
            assert status == 200 or route.path in ENTRANCE, route
            assert "set-cookie" not in stranger.headers
        else:
            assert sent_away(route, status, location), (route, status, location)


def end_by(how: str, rows: dict[str, int]) -> dict[str, str]:
    """What a browser or a program sends that could come in, had it not ended or never been whole."""
    with db.transaction() as session:
        user = users.get_user(session, rows["users"])
        user.role, user.password_hash = Role.admin.name, "$argon2id$"
        stage = how if how in ("code", "enrol") else "full"
        by = users.actor_of(user, address=None)
        token, plain = tokens.create_token(session, name="hers", role=Role.admin, by=by)
        cookie = sessions.open_session(
            session, users.identity_of(user), address=None, user_agent=None, by=TESTER, stage=stage
        )
        if how.startswith("disabled"):
            users.disable_user(session, user.id, by=CLI)
            session.execute(text("UPDATE sessions SET ended_at = NULL"))  # were one forgotten, it opens nothing
        elif how == "reset":
            users.reset_user(session, user.id, by=CLI)
            session.execute(text("UPDATE sessions SET ended_at = NULL"))
        elif how == "logged out":
            sessions.end_session(session, cookie, by=by)
        elif how == "idle":
            session.execute(text("UPDATE sessions SET last_seen_at = now() - interval '61 minutes'"))
        elif how == "twelve hours":
            session.execute(text("UPDATE sessions SET expires_at = now() - interval '1 second'"))
        elif how == "revoked token":
            tokens.revoke_token(session, token.id, by=by)
        elif how == "expired token":
            token.expires_at = token.created_at
    return {"authorization": f"Bearer {plain}"} if how.endswith("token") else {"cookie": f"sid={cookie}"}


@pytest.mark.parametrize(
    "how",
    ["code", "enrol", "disabled", "disabled token", "reset", "logged out", "idle", "twelve hours", "revoked token",
     "expired token"],
)  # fmt: skip
def test_what_is_half_open_or_over_opens_nothing(stranger: TestClient, rows: dict[str, int], how: str) -> None:
    headers = end_by(how, rows)
    for route in TABLE:
        if route.role is not None:
            status, location = ask(stranger, route, rows, headers)
            assert sent_away(route, status, location), (route, status, location)


@pytest.mark.parametrize("role", list(Role))
def test_a_users_own_session_may_do_what_the_table_says(stranger: TestClient, rows: dict[str, int], role: Role) -> None:
    """As with sessions of tokens, which the walk above uses; each route gets a new one, since some end it."""
    for number, route in enumerate(TABLE):
        with db.transaction() as session:
            user, _ = users.create_user(session, email=f"u{number}@example.com", name="U", role=role, by=TESTER)
            user.password_hash = "$argon2id$"
            cookie = sessions.open_session(session, users.identity_of(user), address=None, user_agent=None, by=TESTER)
        status, location = ask(stranger, route, rows, {"cookie": f"sid={cookie}"})
        if route.role is None or role >= route.role:
            assert status < 400 or status in (409, 422) or route.path in ENTRANCE | HOLLOW, (route, status)
            assert route.path in ENTRANCE | {"/logout"} or not sent_away(route, status, location), route
        else:
            assert status == 403, (route, status)


def test_what_was_refused_has_changed_nothing(stranger: TestClient, rows: dict[str, int]) -> None:
    viewer = {"cookie": f"sid={new_session(Role.viewer)}", "sec-fetch-site": "same-origin"}
    stranger.post("/runs", data={"job": "trends"}, headers=viewer)
    stranger.post(f"/runs/{rows['runs']}/cancel", headers=viewer)
    stranger.post("/schedules/hourly_trends/run", headers=viewer)
    stranger.post("/api/tasks/trends", headers=viewer)
    with db.transaction() as session:
        assert session.execute(text("SELECT id, state FROM job_runs")).all() == [(rows["runs"], "queued")]


def test_in_development_the_local_user_is_an_admin_and_the_page_says_so(client: TestClient) -> None:
    page = client.get("/themes").text
    assert "Open to everybody on this machine: development" in page
    assert "Log out" not in page


PROXIES = [
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "forwarded",
    "via",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "x-client-ip",
    "fly-client-ip",
]


@pytest.mark.parametrize("name", PROXIES)
def test_what_a_proxy_on_this_machine_passes_on_is_not_local(client: TestClient, name: str) -> None:
    assert client.get("/api/runs").status_code == 200
    assert client.get("/api/runs", headers={name: "127.0.0.1"}).status_code == 401


def test_http_1_0_is_a_proxy_without_settings_and_no_browser(database: str) -> None:
    def through_nginx(app: ASGIApp) -> ASGIApp:
        async def ask(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope | {"http_version": "1.0"}, receive, send)

        return ask

    app = through_nginx(build_app(Config.from_environment({})))
    browser = TestClient(app, base_url="http://127.0.0.1:8000", client=HERE, follow_redirects=False)
    assert browser.get("/api/runs").status_code == 401
    assert browser.get("/themes").headers["location"] == "/login?next=%2Fthemes"


@pytest.fixture
def doors(database: str) -> None:
    new_token()


@pytest.mark.parametrize(
    ("environ", "peer", "headers"),
    [
        ({}, ELSEWHERE, {}),
        ({}, HERE, {"x-forwarded-for": "127.0.0.1"}),
        ({}, HERE, {"forwarded": "for=127.0.0.1"}),
        ({"PUBLIC_URL": "http://issues.example.com"}, HERE, {"host": "issues.example.com"}),
        ({"HOST": "0.0.0.0"}, HERE, {}),
        (PRODUCTION, HERE, {}),
    ],
)
def test_a_stranger_is_never_taken_for_the_local_user(
    doors: None, environ: dict[str, str], peer: tuple[str, int], headers: dict[str, str]
) -> None:
    with make_client(environ, peer=peer) as client:
        assert client.get("/api/runs", headers=headers).status_code == 401


def test_an_open_page_that_polls_is_sent_to_the_login_when_its_session_is_over(
    stranger: TestClient, rows: dict[str, int]
) -> None:
    answer = stranger.get("/runs/live", headers={"hx-request": "true", "hx-current-url": "http://localhost/runs"})
    assert (answer.status_code, answer.headers["hx-redirect"], answer.text) == (401, "/login", "")


def test_polls_do_not_keep_a_session_alive_but_pages_do(stranger: TestClient) -> None:
    cookie = {"cookie": f"sid={new_session()}"}

    def seen() -> object:
        with db.transaction() as session:
            return session.scalar(text("SELECT last_seen_at FROM sessions"))

    with db.transaction() as session:
        session.execute(text("UPDATE sessions SET last_seen_at = now() - interval '30 minutes'"))
    before = seen()
    assert stranger.get("/runs/live", headers=cookie).status_code == 200
    assert stranger.get("/api/runs", headers=cookie).status_code == 200
    assert seen() == before
    assert stranger.get("/runs", headers=cookie).status_code == 200
    assert seen() != before


def test_a_run_started_with_a_token_says_whose_token_it_was(stranger: TestClient) -> None:
    headers = {"authorization": f"Bearer {new_token(Role.operator)}"}
    assert stranger.post("/api/tasks/trends", headers=headers).status_code == 202
    with db.transaction() as session:
        row = session.scalars(select(AuditEntry).where(AuditEntry.action == "run.create")).one()
        token = tokens.list_tokens(session)[0].id
    assert (row.actor_kind, row.actor_name, row.actor_id, row.address) == (
        "token",
        "test operator",
        token,
        ELSEWHERE[0],
    )
    assert len(row.request_id or "") == 16


def test_a_revoked_token_ends_the_session_of_an_open_page(stranger: TestClient) -> None:
    cookie = {"cookie": f"sid={new_session()}"}
    assert stranger.get("/themes", headers=cookie).status_code == 200
    with db.transaction() as session:
        tokens.revoke_token(session, tokens.list_tokens(session)[0].id, by=TESTER)
    assert stranger.get("/themes", headers=cookie).headers["location"] == "/login?next=%2Fthemes"
