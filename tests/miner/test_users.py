"""Users: made by admins, let in by a link that works once, shut out at once."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import sessions, tokens, users
from miner.access import Actor, Role
from miner.errors import InvalidArguments, NotFound, Refused
from miner.models import AuditEntry, User, UserLink
from tests.factories import TESTER, VIEWER

PAGE = Actor("user", "root", Role.admin, user_id=None)


def make(session: Session, email: str = "ada@example.com", role: Role = Role.viewer, **columns: object) -> User:
    user, _ = users.create_user(session, email=email, name="Ada", role=role, by=TESTER)
    for name, value in {"password_hash": "x", **columns}.items():
        setattr(user, name, value)
    session.flush()
    return user


def log_in(session: Session, user: User) -> str:
    return sessions.open_session(session, users.identity_of(user), address=None, user_agent=None, by=TESTER)


def test_a_link_sets_the_password_once(session: Session) -> None:
    user, key = users.create_user(session, email=" Ada@Example.com ", name="", role=Role.operator, by=TESTER)
    assert (user.email, user.name, user.password_hash) == ("ada@example.com", "Ada", None)
    assert users.find_by_link(session, key) is user
    assert users.use_link(session, key, password_hash="h", address="203.0.113.9") is user
    assert user.password_hash == "h"
    assert users.find_by_link(session, key) is None
    assert users.use_link(session, key, password_hash="other", address=None) is None
    assert user.password_hash == "h"


def test_only_the_hash_of_a_link_is_kept(session: Session) -> None:
    _, key = users.create_user(session, email="ada@example.com", name="", role=Role.viewer, by=TESTER)
    assert key not in str(session.execute(select(UserLink.key_hash)).all())


@pytest.mark.parametrize("key", ["", "x", "x" * 43, "'; DROP TABLE users; --", "é" * 43])
def test_a_key_that_was_never_made_finds_nobody(session: Session, key: str) -> None:
    make(session)
    assert users.find_by_link(session, key) is None


def test_a_link_ends_after_a_day_with_a_newer_one_and_with_the_user(session: Session) -> None:
    user, first = users.create_user(session, email="ada@example.com", name="", role=Role.viewer, by=TESTER)
    second = users.create_link(session, user.id, by=TESTER)
    assert users.find_by_link(session, first) is None
    assert users.find_by_link(session, second) is user
    session.execute(text("UPDATE user_links SET expires_at = now() WHERE used_at IS NULL"))
    assert users.find_by_link(session, second) is None
    third = users.create_link(session, user.id, by=TESTER)
    users.disable_user(session, user.id, by=TESTER)
    assert users.find_by_link(session, third) is None


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "a b@example.com", "a@" + "x" * 260])
def test_an_address_that_is_none_is_refused(session: Session, email: str) -> None:
    with pytest.raises(InvalidArguments, match="email"):
        users.create_user(session, email=email, name="Ada", role=Role.viewer, by=TESTER)


def test_an_address_belongs_to_one_user_in_any_case(session: Session) -> None:
    make(session)
    with pytest.raises(InvalidArguments, match="is a user already"):
        users.create_user(session, email="ADA@example.com", name="Ada", role=Role.viewer, by=TESTER)


def test_only_admins_touch_users(session: Session) -> None:
    user = make(session)
    acts = [
        lambda: users.create_user(session, email="b@example.com", name="b", role=Role.viewer, by=VIEWER),
        lambda: users.set_role(session, user.id, Role.admin, by=VIEWER),
        lambda: users.disable_user(session, user.id, by=VIEWER),
        lambda: users.enable_user(session, user.id, by=VIEWER),
        lambda: users.reset_user(session, user.id, by=VIEWER),
        lambda: users.create_link(session, user.id, by=VIEWER),
    ]
    for act in acts:
        with pytest.raises(Refused):
            act()


def test_a_change_of_role_ends_every_session(session: Session) -> None:
    make(session, "root@example.com", Role.admin)
    user = make(session)
    cookie = log_in(session, user)
    users.set_role(session, user.id, Role.viewer, by=TESTER)
    assert sessions.find_session(session, cookie, touch=False) is not None
    users.set_role(session, user.id, Role.operator, by=TESTER)
    assert sessions.find_session(session, cookie, touch=False) is None


def test_a_user_who_is_shut_out_loses_sessions_and_tokens_at_once(session: Session) -> None:
    user = make(session)
    cookie = log_in(session, user)
    _, token = tokens.create_token(session, name="script", role=Role.viewer, by=users.actor_of(user, address=None))
    assert tokens.verify_token(session, token) is not None
    users.disable_user(session, user.id, by=TESTER)
    assert sessions.find_session(session, cookie, touch=False) is None
    assert tokens.verify_token(session, token) is None
    users.enable_user(session, user.id, by=TESTER)
    assert sessions.find_session(session, cookie, touch=False) is None
    assert tokens.verify_token(session, token) is not None


def test_a_token_does_no_more_than_its_user_may_by_now(session: Session) -> None:
    make(session, "root@example.com", Role.admin)
    user = make(session, role=Role.operator)
    by = users.actor_of(user, address=None)
    _, token = tokens.create_token(session, name="script", role=Role.operator, by=by)
    users.set_role(session, user.id, Role.viewer, by=TESTER)
    found = tokens.verify_token(session, token)
    assert found is not None
    assert found.role is Role.viewer
    with pytest.raises(Refused):
        tokens.create_token(session, name="more", role=Role.operator, by=users.actor_of(user, address=None))


def test_a_session_opened_with_a_token_does_no_more_than_its_user_may_by_now(session: Session) -> None:
    user = make(session, role=Role.operator)
    _, plain = tokens.create_token(session, name="laptop", role=Role.operator, by=users.actor_of(user, address=None))
    who = tokens.verify_token(session, plain)
    assert who is not None
    before = sessions.open_session(session, who, address=None, user_agent=None, by=TESTER)
    assert [one.is_this for one in sessions.list_sessions(session, user_id=user.id, this=before)] == [True]
    users.set_role(session, user.id, Role.viewer, by=TESTER)
    assert sessions.find_session(session, before, touch=True) is None
    late = sessions.open_session(session, who, address=None, user_agent=None, by=TESTER)
    found = sessions.find_session(session, late, touch=True)
    assert found is not None
    assert found.role is Role.viewer


def test_a_token_of_little_scope_makes_no_tokens(session: Session) -> None:
    by = Actor("token", "script", Role.operator)
    with pytest.raises(Refused):
        tokens.create_token(session, name="heir", role=Role.viewer, by=by)


def test_users_end_their_own_tokens_and_no_others(session: Session) -> None:
    ada, bob = make(session), make(session, "bob@example.com")
    by = users.actor_of(ada, address=None)
    row, _ = tokens.create_token(session, name="mine", role=Role.viewer, by=by)
    other, _ = tokens.create_token(session, name="his", role=Role.viewer, by=users.actor_of(bob, address=None))
    for token_id in (other.id, "00000000"):
        with pytest.raises(Refused):
            tokens.revoke_token(session, token_id, by=by)
    tokens.revoke_token(session, row.id, by=by)
    assert row.revoked_at is not None


def test_the_last_admin_cannot_be_lost_from_a_page_but_from_the_command_line(session: Session) -> None:
    root = make(session, "root@example.com", Role.admin)
    make(session, "invited@example.com", Role.admin, password_hash=None)
    for act in (
        lambda: users.disable_user(session, root.id, by=PAGE),
        lambda: users.set_role(session, root.id, Role.viewer, by=PAGE),
    ):
        with pytest.raises(InvalidArguments, match="last admin"):
            act()
    second = make(session, "second@example.com", Role.admin)
    users.disable_user(session, root.id, by=PAGE)
    users.disable_user(session, second.id, by=Actor("cli", "root", Role.admin))


def test_a_reset_takes_everything_and_gives_a_link(session: Session) -> None:
    user = make(session, totp_secret="open:x", recovery_hashes=["h"], totp_last_step=5)
    user.totp_confirmed_at = user.created_at
    cookie = log_in(session, user)
    _, key = users.reset_user(session, user.id, by=TESTER)
    session.refresh(user)
    assert (user.password_hash, user.totp_secret, user.totp_confirmed_at, user.recovery_hashes) == (
        None,
        None,
        None,
        [],
    )
    assert sessions.find_session(session, cookie, touch=False) is None
    assert users.find_by_link(session, key) is user


def test_whether_an_admin_could_log_in(session: Session) -> None:
    assert not users.admin_can_log_in(session)
    make(session, role=Role.operator)
    assert not users.admin_can_log_in(session)
    root, _ = users.create_user(session, email="root@example.com", name="r", role=Role.admin, by=TESTER)
    assert users.admin_can_log_in(session)
    session.execute(text("UPDATE user_links SET expires_at = now()"))
    assert not users.admin_can_log_in(session)
    root.password_hash = "x"
    session.flush()
    assert users.admin_can_log_in(session)
    users.disable_user(session, root.id, by=Actor("cli", "root", Role.admin))
    assert not users.admin_can_log_in(session)


def test_nobody_is_found_by_an_id_or_address_that_is_none(session: Session) -> None:
    with pytest.raises(NotFound):
        users.get_user(session, 999)
    with pytest.raises(NotFound):
        users.get_user_by_email(session, "nobody@example.com")


def test_every_act_is_in_the_audit_log_without_a_secret(session: Session) -> None:
    user, key = users.create_user(session, email="ada@example.com", name="", role=Role.viewer, by=TESTER)
    users.use_link(session, key, password_hash="$argon2id$hush", address=None)
    users.set_role(session, user.id, Role.operator, by=TESTER)
    users.disable_user(session, user.id, by=TESTER)
    users.enable_user(session, user.id, by=TESTER)
    users.reset_user(session, user.id, by=TESTER)
    session.flush()
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == [
        "user.create", "user.set_password", "user.set_role", "user.disable", "user.enable", "user.reset",
    ]  # fmt: skip
    assert (entries[2].before, entries[2].after) == ({"role": "viewer"}, {"role": "operator"})
    assert "hush" not in str([(entry.before, entry.after) for entry in entries])


def test_sessions_are_listed_ended_one_by_one_and_all_but_this(session: Session) -> None:
    user, bob = make(session), make(session, "bob@example.com")
    one, two, three = (log_in(session, user) for _ in range(3))
    his = log_in(session, bob)
    session.flush()
    listed = sessions.list_sessions(session, user_id=user.id, this=one)
    assert [entry.is_this for entry in listed].count(True) == 1
    handle = next(entry.handle for entry in sessions.list_sessions(session, user_id=user.id, this=two) if entry.is_this)
    with pytest.raises(NotFound):
        sessions.end_listed(session, handle, user_id=bob.id, by=TESTER)
    sessions.end_listed(session, handle, user_id=user.id, by=TESTER)
    assert sessions.find_session(session, two, touch=False) is None
    assert sessions.end_sessions(session, user_id=user.id, by=TESTER, but=one) == 1
    assert sessions.find_session(session, one, touch=False) is not None
    assert sessions.find_session(session, three, touch=False) is None
    assert sessions.find_session(session, his, touch=False) is not None
