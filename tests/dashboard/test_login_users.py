"""From a password to a session: the second factor, the throttle, and what a half-open door opens."""

from __future__ import annotations

import re
import time

import pyotp
import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from miner import db, passwords, users
from miner.access import Role
from miner.models import AuditEntry, User
from tests.dashboard.conftest import ELSEWHERE, make_client
from tests.factories import TESTER

SAME = {"sec-fetch-site": "same-origin"}
PASSWORD = "green tea and a lot of rain"


@pytest.fixture(scope="module")
def hashed() -> str:
    return passwords.hash_password(PASSWORD)


def make_user(hashed: str, *, role: Role = Role.viewer, email: str = "ada@example.com") -> int:
    with db.transaction() as session:
        user, _ = users.create_user(session, email=email, name="Ada", role=role, by=TESTER)
        user.password_hash = hashed
        return user.id


def give(client: TestClient, path: str, **form: str) -> tuple[int, str]:
    answer = client.post(path, data=form, headers=SAME)
    return answer.status_code, answer.headers.get("location", "")


def log_in(client: TestClient, *, email: str = "ada@example.com", password: str = PASSWORD) -> tuple[int, str]:
    return give(client, "/login", email=email, password=password)


def enrol(client: TestClient) -> tuple[str, list[str]]:
    """The secret and the recovery codes of a second factor that is set up through the pages."""
    page = client.get("/login/enrol").text
    secret = re.search(r"<code>([A-Z2-7 ]{39})</code>", page)
    assert secret is not None
    assert "data:image/svg+xml" in page
    plain = secret.group(1).replace(" ", "")
    answer = client.post("/login/enrol", data={"code": pyotp.TOTP(plain).now()}, headers=SAME)
    assert answer.status_code == 200
    return plain, re.findall(r"<code>([a-z2-9]{6}(?:-[a-z2-9]{6}){3})</code>", answer.text)


def later_code(secret: str) -> str:
    """A code that is newer than the one used for enrolling, and good for a neighbour's clock."""
    return str(pyotp.TOTP(secret).at(time.time() + 30))


def test_a_viewer_comes_in_with_a_password(stranger: TestClient, hashed: str) -> None:
    make_user(hashed)
    assert log_in(stranger, email=" Ada@Example.com ") == (303, "/")
    page = stranger.get("/account").text
    assert "Ada" in page
    assert "Second factor" in page


def test_an_operator_sets_up_a_second_factor_before_anything_opens(stranger: TestClient, hashed: str) -> None:
    make_user(hashed, role=Role.operator)
    assert log_in(stranger) == (303, "/login/enrol")
    assert stranger.get("/themes").headers["location"].startswith("/login")
    secret, codes = enrol(stranger)
    assert len(codes) == 10
    assert stranger.get("/themes").status_code == 200
    with db.transaction() as session:
        kept = session.scalars(select(User)).one()
        assert secret not in str(kept.totp_secret) or str(kept.totp_secret).startswith("open:")
        assert not set(codes) & set(kept.recovery_hashes)


def test_the_second_factor_may_be_left_out_where_it_is_optional(database: str, hashed: str) -> None:
    make_user(hashed, role=Role.admin)
    with make_client({"SECOND_FACTOR": "optional"}, peer=ELSEWHERE) as client:
        assert log_in(client) == (303, "/")


def test_a_later_login_asks_for_the_code_and_a_code_works_once(stranger: TestClient, hashed: str) -> None:
    make_user(hashed, role=Role.operator)
    log_in(stranger)
    secret, _ = enrol(stranger)
    stranger.post("/logout", headers=SAME)
    assert log_in(stranger) == (303, "/login/code")
    assert stranger.get("/themes").headers["location"].startswith("/login")
    assert stranger.get("/login/enrol").headers["location"] == "/login"
    code = later_code(secret)
    assert give(stranger, "/login/code", code="000000")[0] == 403
    assert give(stranger, "/login/code", code=code, next="/runs") == (303, "/runs")
    stranger.post("/logout", headers=SAME)
    log_in(stranger)
    assert give(stranger, "/login/code", code=code)[0] == 403


def test_a_recovery_code_lets_in_once(stranger: TestClient, hashed: str) -> None:
    make_user(hashed, role=Role.operator)
    log_in(stranger)
    _, codes = enrol(stranger)
    for expected in (303, 403):
        stranger.post("/logout", headers=SAME)
        log_in(stranger)
        assert give(stranger, "/login/code", code=codes[3].upper())[0] == expected
    with db.transaction() as session:
        assert len(session.scalars(select(User)).one().recovery_hashes) == 9


def test_the_session_before_the_code_is_another_one_than_after_it(stranger: TestClient, hashed: str) -> None:
    make_user(hashed, role=Role.operator)
    log_in(stranger)
    half = stranger.cookies["sid"]
    enrol(stranger)
    assert stranger.cookies["sid"] != half
    assert stranger.get("/themes", headers={"cookie": f"sid={half}"}).status_code == 303


def test_known_and_unknown_users_and_wrong_passwords_read_alike(stranger: TestClient, hashed: str) -> None:
    make_user(hashed)
    disabled = make_user(hashed, email="bob@example.com")
    with db.transaction() as session:
        users.disable_user(session, disabled, by=TESTER)
        users.create_user(session, email="new@example.com", name="n", role=Role.viewer, by=TESTER)
    pages = set()
    for email, password in (
        ("ada@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("bob@example.com", PASSWORD),
        ("new@example.com", PASSWORD),
    ):
        answer = stranger.post("/login", data={"email": email, "password": password}, headers=SAME)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        pages.add(answer.text.replace(email, "EMAIL"))
    assert len(pages) == 1


def test_the_sixth_wrong_try_has_to_wait_even_with_the_right_password(stranger: TestClient, hashed: str) -> None:
    make_user(hashed)
    assert [log_in(stranger, password="wrong")[0] for _ in range(5)] == [403] * 5
    answer = stranger.post("/login", data={"email": "ada@example.com", "password": PASSWORD}, headers=SAME)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    with make_client(peer=("198.51.100.7", 1)) as other:
        make_user(hashed, email="bob@example.com")
        assert log_in(other, email="bob@example.com") == (303, "/")
        assert log_in(other)[0] == 429


def test_many_right_logins_from_one_office_are_not_slowed_down(stranger: TestClient, hashed: str) -> None:
    make_user(hashed, role=Role.operator)
    log_in(stranger)
    _, codes = enrol(stranger)
    for code in codes[:8]:
        stranger.cookies.clear()
        assert log_in(stranger) == (303, "/login/code")
        assert give(stranger, "/login/code", code=code)[0] == 303


def test_a_claimed_address_does_not_change_whom_the_throttle_counts(database: str, hashed: str) -> None:
    with make_client({"TRUSTED_PROXY_HOPS": "1"}, peer=("10.0.0.1", 1)) as client:
        for number in range(5):
            client.headers["x-forwarded-for"] = f"6.6.6.{number}, 203.0.113.9"
            assert log_in(client, email=f"user{number}@example.com")[0] == 403
        assert log_in(client, email="last@example.com")[0] == 429
        for same in ("203.0.113.9:40112", "::ffff:203.0.113.9", "[::ffff:203.0.113.9]:7"):
            client.headers["x-forwarded-for"] = same  # some proxies add the port, which differs every time
            assert log_in(client, email="last@example.com")[0] == 429
        client.headers["x-forwarded-for"] = "203.0.113.10"
        assert log_in(client, email="last@example.com")[0] == 403


def test_an_entry_that_is_no_address_is_not_believed(database: str, hashed: str) -> None:
    with make_client({"TRUSTED_PROXY_HOPS": "1"}, peer=("10.0.0.1", 1)) as client:
        for number in range(5):
            client.headers["x-forwarded-for"] = f"nobody{number}"
            log_in(client, email=f"user{number}@example.com")
        client.headers["x-forwarded-for"] = "unknown"
        assert log_in(client, email="last@example.com")[0] == 429


def test_two_browsers_that_set_up_the_second_factor_end_in_the_login_of_the_slower_one(
    stranger: TestClient, hashed: str
) -> None:
    make_user(hashed, role=Role.operator)
    with make_client(peer=("198.51.100.7", 1)) as slower:
        log_in(slower)
        early = re.findall(r"<code>([A-Z2-7 ]{39})</code>", slower.get("/login/enrol").text)
        log_in(stranger)
        secret, _ = enrol(stranger)
        assert secret not in early[0].replace(" ", ""), "what somebody with the password has seen proves nothing later"
        assert slower.get("/login/enrol").headers["location"] == "/login"
        assert give(slower, "/login/enrol", code=later_code(secret)) == (303, "/login")
        assert slower.get("/themes").status_code == 303


def test_a_wrong_first_code_is_written_down_and_counted(stranger: TestClient, hashed: str) -> None:
    make_user(hashed, role=Role.operator)
    log_in(stranger)
    assert [give(stranger, "/login/enrol", code="000000")[0] for _ in range(5)] == [403] * 5
    assert give(stranger, "/login/enrol", code="000000")[0] == 429
    with db.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM audit_log WHERE outcome = 'refused'")) == 5


def test_without_a_trusted_proxy_the_header_is_nothing(database: str, hashed: str) -> None:
    with make_client(peer=ELSEWHERE) as client:
        for number in range(5):
            client.headers["x-forwarded-for"] = f"6.6.6.{number}"
            log_in(client, email=f"user{number}@example.com")
        client.headers["x-forwarded-for"] = "6.6.6.99"
        assert log_in(client, email="last@example.com")[0] == 429


def test_a_one_time_link_leads_to_a_password_and_in(stranger: TestClient) -> None:
    with db.transaction() as session:
        _, key = users.create_user(session, email="ada@example.com", name="Ada", role=Role.viewer, by=TESTER)
    assert "ada@example.com" in stranger.get("/welcome", params={"key": key}).text
    assert give(stranger, "/welcome", key=key, password="short", again="short")[0] == 422
    assert give(stranger, "/welcome", key=key, password=PASSWORD, again=PASSWORD + "x")[0] == 422
    assert give(stranger, "/welcome", key=key, password="x" * 129, again="x" * 129)[0] == 422
    assert give(stranger, "/welcome", key=key, password=PASSWORD, again=PASSWORD) == (303, "/")
    assert stranger.get("/themes").status_code == 200
    assert give(stranger, "/welcome", key=key, password=PASSWORD, again=PASSWORD)[0] == 404
    assert stranger.get("/welcome", params={"key": key}).status_code == 404


def test_a_new_password_ends_every_other_session_and_gives_this_one_a_new_id(stranger: TestClient, hashed: str) -> None:
    make_user(hashed)
    log_in(stranger)
    before = stranger.cookies["sid"]
    with make_client(peer=ELSEWHERE) as elsewhere:
        log_in(elsewhere)
        new = "another sentence, quite long"
        assert give(stranger, "/account/password", current="wrong", password=new, again=new)[0] == 422
        assert give(stranger, "/account/password", current=PASSWORD, password="short", again="short")[0] == 422
        assert give(stranger, "/account/password", current=PASSWORD, password=new, again=new) == (303, "/account")
        assert elsewhere.get("/themes").status_code == 303
        assert stranger.cookies["sid"] != before
        assert stranger.get("/themes").status_code == 200
        assert log_in(elsewhere)[0] == 403
        assert log_in(elsewhere, password=new) == (303, "/")


def test_another_second_factor_needs_the_password_and_ends_all_sessions(stranger: TestClient, hashed: str) -> None:
    make_user(hashed, role=Role.operator)
    log_in(stranger)
    secret, _ = enrol(stranger)
    assert give(stranger, "/account/second-factor", current="wrong")[0] == 422
    assert give(stranger, "/account/second-factor", current=PASSWORD) == (303, "/login/enrol")
    assert stranger.get("/themes").status_code == 303
    assert enrol(stranger)[0] != secret
    assert stranger.get("/themes").status_code == 200


def test_a_session_elsewhere_is_seen_and_ended(stranger: TestClient, hashed: str) -> None:
    make_user(hashed)
    log_in(stranger)
    with make_client(peer=("198.51.100.7", 1)) as elsewhere:
        elsewhere.headers["user-agent"] = "A phone <b>"
        log_in(elsewhere)
        page = stranger.get("/account").text
        assert "A phone &lt;b&gt;" in page
        (handle,) = re.findall(r'name="session" value="([0-9a-f]{12})"', page)
        assert give(stranger, "/account/sessions/end", session=handle) == (303, "/account")
        assert elsewhere.get("/themes").status_code == 303
        log_in(elsewhere)
        assert give(stranger, "/account/sessions/end-others")[0] == 303
        assert elsewhere.get("/themes").status_code == 303
    assert stranger.get("/themes").status_code == 200


def test_a_token_of_ones_own_is_shown_once_and_works_within_its_scope(stranger: TestClient, hashed: str) -> None:
    make_user(hashed)
    log_in(stranger)
    assert give(stranger, "/tokens", name="script", scope="run", days="30")[0] == 403
    for wrong in ({"scope": "all"}, {"days": "0"}, {"days": "x"}, {"name": ""}):
        assert give(stranger, "/tokens", **{"name": "script", "scope": "read", "days": "30", **wrong})[0] == 422
    page = stranger.post("/tokens", data={"name": "script", "scope": "read", "days": "30"}, headers=SAME).text
    (token,) = re.findall(r"miner_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", page)
    assert token not in stranger.get("/tokens").text
    stranger.cookies.clear()
    bearer = {"authorization": f"Bearer {token}"}
    assert stranger.get("/api/themes", headers=bearer).status_code == 200
    assert stranger.post("/api/tasks/trends", headers=bearer).status_code == 403
    log_in(stranger)
    assert give(stranger, "/tokens/revoke", token=token[6:14])[0] == 303
    stranger.cookies.clear()
    assert stranger.get("/api/themes", headers=bearer).status_code == 401


def test_an_admin_makes_changes_and_shuts_out_users_on_a_page(client: TestClient) -> None:
    answer = client.post("/users", data={"email": "ada@example.com", "name": "Ada", "role": "operator"})
    (key,) = re.findall(r"/welcome\?key=([A-Za-z0-9_-]{43})", answer.text)
    with db.transaction() as session:
        user = users.get_user_by_email(session, "ada@example.com")
        found = users.find_by_link(session, key)
        assert found is not None
        assert found.id == user.id
    assert client.post("/users", data={"email": "ada@example.com", "role": "viewer"}).status_code == 422
    assert client.post("/users", data={"email": "b@example.com", "role": "root"}).status_code == 422
    assert key not in client.get("/users").text
    assert client.post(f"/users/{user.id}/role", data={"role": "viewer"}).status_code == 303
    assert client.post(f"/users/{user.id}/disable").status_code == 303
    assert "shut out" in client.get("/users").text
    assert client.post(f"/users/{user.id}/enable").status_code == 303
    assert "/welcome?key=" in client.post(f"/users/{user.id}/reset").text
    assert client.post("/users/999/disable").status_code == 404
    with db.transaction() as session:
        acts = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert acts == ["user.create", "user.set_role", "user.disable", "user.enable", "user.reset"]


def test_failed_logins_are_in_the_audit_log_without_what_was_typed(stranger: TestClient, hashed: str) -> None:
    make_user(hashed)
    log_in(stranger, password="my other password")
    log_in(stranger, email="typed my password here", password="x")
    with db.transaction() as session:
        rows = session.execute(text("SELECT object_id, outcome, address, to_jsonb(a)::text FROM audit_log a"
                                    " WHERE action = 'session.open' ORDER BY id")).all()  # fmt: skip
    assert [(row.object_id, row.outcome, row.address) for row in rows] == [
        ("ada@example.com", "refused", ELSEWHERE[0]),
        ("unknown", "refused", ELSEWHERE[0]),
    ]
    assert "password" not in "".join(row[3] for row in rows)
