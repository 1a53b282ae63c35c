"""Tokens and sessions: what lets somebody in, and everything that does not."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from miner import sessions, tokens, users
from miner.access import Role
from miner.errors import InvalidArguments, NotFound, Refused
from miner.models import ApiToken, AuditEntry, WebSession
from tests.factories import TESTER, VIEWER


def make(session: Session, role: Role = Role.admin, **more: object) -> tuple[ApiToken, str]:
    return tokens.create_token(session, name="laptop", role=role, by=TESTER, **more)  # type: ignore[arg-type]


def log_in(session: Session) -> tuple[ApiToken, str]:
    row, plain = make(session)
    identity = tokens.verify_token(session, plain)
    assert identity is not None
    return row, sessions.open_session(session, identity, address="192.0.2.1", user_agent="x" * 900, by=TESTER)


def test_a_token_lets_its_holder_in_with_its_role(session: Session) -> None:
    row, plain = make(session, Role.operator)
    assert tokens.verify_token(session, plain) == tokens.Identity("laptop", Role.operator, row.id)


def test_only_the_hash_of_a_token_is_stored(session: Session) -> None:
    row, plain = make(session)
    secret = plain.split("_", 2)[2]
    session.commit()
    dump = str(session.execute(text("SELECT api_tokens::text FROM api_tokens")).all())
    dump += str(session.execute(text("SELECT audit_log::text FROM audit_log")).all())
    assert secret not in dump
    assert row.id in dump


@pytest.mark.parametrize(
    "damage",
    [
        lambda t: t[:-1],
        lambda t: t[:-1] + "!",
        lambda t: "x" + t,
        lambda t: t.upper(),
        lambda t: t[:14] + t[15:] + "A",
        lambda t: "",
        lambda t: "miner__",
        lambda t: t + "\n",
        lambda t: "\ud800",
    ],
)
def test_a_damaged_token_lets_nobody_in(session: Session, damage: object) -> None:
    _, plain = make(session)
    assert tokens.verify_token(session, damage(plain)) is None  # type: ignore[operator]


def test_the_secret_of_one_token_does_not_open_another(session: Session) -> None:
    first, _ = make(session)
    _, second = make(session)
    assert tokens.verify_token(session, f"miner_{first.id}_{second.split('_', 2)[2]}") is None


def test_a_token_past_its_end_lets_nobody_in(session: Session) -> None:
    _, plain = make(session, expires_at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1))
    assert tokens.verify_token(session, plain) is None


def test_a_revoked_token_lets_nobody_in_and_ends_its_sessions(session: Session) -> None:
    row, cookie = log_in(session)
    tokens.revoke_token(session, row.id, by=TESTER)
    assert sessions.find_session(session, cookie, touch=True) is None
    assert session.scalars(select(WebSession.ended_at)).one() is not None
    tokens.revoke_token(session, row.id, by=TESTER)
    assert session.scalars(select(AuditEntry.action).where(AuditEntry.action == "token.revoke")).all() == [
        "token.revoke"
    ]


def test_revoking_what_is_not_there_says_so(session: Session) -> None:
    with pytest.raises(NotFound, match="no token 01234567"):
        tokens.revoke_token(session, "01234567", by=TESTER)


def test_only_an_admin_makes_and_revokes_tokens(session: Session) -> None:
    row, _ = make(session)
    with pytest.raises(Refused):
        tokens.create_token(session, name="mine", role=Role.admin, by=VIEWER)
    with pytest.raises(Refused):
        tokens.revoke_token(session, row.id, by=VIEWER)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "line\nbreak", "nul\x00"])
def test_a_token_needs_a_name_that_can_be_read(session: Session, name: str) -> None:
    with pytest.raises(InvalidArguments, match="name"):
        tokens.create_token(session, name=name, role=Role.viewer, by=TESTER)


def test_whether_an_admin_could_log_in_counts_only_usable_admin_tokens(session: Session) -> None:
    assert not users.admin_can_log_in(session)
    make(session, Role.operator)
    make(session, expires_at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1))
    assert not users.admin_can_log_in(session)
    row, _ = make(session)
    assert users.admin_can_log_in(session)
    tokens.revoke_token(session, row.id, by=TESTER)
    assert not users.admin_can_log_in(session)


def test_the_last_use_of_a_token_is_noted(session: Session) -> None:
    row, plain = make(session)
    tokens.verify_token(session, plain)
    session.refresh(row)
    assert row.last_used_at is not None
    session.execute(update(ApiToken).values(last_used_at=text("now() - interval '1 hour'")))
    tokens.verify_token(session, plain)
    session.refresh(row)
    assert row.last_used_at > dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)


def test_a_session_stands_for_the_token_that_opened_it(session: Session) -> None:
    row, cookie = log_in(session)
    assert sessions.find_session(session, cookie, touch=True) == tokens.Identity("laptop", Role.admin, row.id)
    stored = session.scalars(select(WebSession)).one()
    assert cookie not in (stored.id_hash, stored.user_agent)
    assert len(stored.id_hash) == 64
    assert len(stored.user_agent or "") == 300


def test_a_browser_may_call_itself_anything(session: Session) -> None:
    row, plain = tokens.create_token(session, name="ann", role=Role.viewer, by=TESTER)
    identity = tokens.verify_token(session, plain)
    assert identity is not None
    sessions.open_session(session, identity, address=None, user_agent="a\x00b\ud800", by=TESTER)
    assert session.scalars(select(WebSession.user_agent).where(WebSession.token_id == row.id)).one() == "ab?"


def test_every_login_gives_a_new_session(session: Session) -> None:
    assert log_in(session)[1] != log_in(session)[1]


def test_a_cookie_that_was_never_given_out_stands_for_nobody(session: Session) -> None:
    log_in(session)
    assert sessions.find_session(session, "guess", touch=True) is None


def test_a_session_ends_after_an_idle_hour_or_twelve_hours(session: Session) -> None:
    _, idle = log_in(session)
    session.execute(update(WebSession).values(last_seen_at=text("now() - interval '61 minutes'")))
    _, old = log_in(session)
    session.execute(
        update(WebSession)
        .where(WebSession.ended_at.is_(None), WebSession.last_seen_at > text("now() - interval '1 minute'"))
        .values(expires_at=text("now() - interval '1 second'"))
    )
    assert sessions.find_session(session, idle, touch=True) is None
    assert sessions.find_session(session, old, touch=True) is None


def test_a_session_lasts_twelve_hours_at_most(session: Session) -> None:
    log_in(session)
    row = session.scalars(select(WebSession)).one()
    session.refresh(row)
    assert row.expires_at - row.created_at == sessions.LONGEST


def test_only_what_a_person_does_keeps_a_session_alive(session: Session) -> None:
    _, cookie = log_in(session)
    session.execute(update(WebSession).values(last_seen_at=text("now() - interval '50 minutes'")))
    before = session.scalar(select(WebSession.last_seen_at))
    sessions.find_session(session, cookie, touch=False)
    assert session.scalar(select(WebSession.last_seen_at)) == before
    sessions.find_session(session, cookie, touch=True)
    assert session.scalar(select(WebSession.last_seen_at)) > before  # type: ignore[operator]


def test_a_session_whose_token_has_expired_is_over(session: Session) -> None:
    _, cookie = log_in(session)
    session.execute(update(ApiToken).values(expires_at=text("now() - interval '1 second'")))
    assert sessions.find_session(session, cookie, touch=True) is None


def test_an_ended_session_stays_ended(session: Session) -> None:
    _, cookie = log_in(session)
    sessions.end_session(session, cookie, by=TESTER)
    assert sessions.find_session(session, cookie, touch=True) is None
    sessions.end_session(session, cookie, by=TESTER)
    actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["token.create", "session.open", "session.end"]


def test_the_newest_token_is_listed_first(session: Session) -> None:
    first, _ = make(session)
    session.execute(update(ApiToken).values(created_at=text("now() - interval '1 day'")))
    second, _ = make(session)
    assert [row.id for row in tokens.list_tokens(session)] == [second.id, first.id]
