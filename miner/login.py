"""From a password to a session: counted, judged, then the second factor. The one place that decides who gets in.

Each step is a short transaction of its own, since a try is counted before it is judged, and hashing is slow. All
failures read alike, cost the same work and are audited without saying which part was wrong.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from miner import passwords, second_factor, sessions, throttle, tokens, users
from miner.access import Actor, Identity, Role, audit
from miner.db import transaction
from miner.errors import LoginRefused
from miner.models import User
from miner.sealing import Sealer

WRONG = "The address or the password is wrong."
WRONG_PASSWORD = "This is not your password."  # noqa: S105
WRONG_CODE = "This code is wrong, was used already, or its time is over."
WRONG_TOKEN = "This token does not let anybody in. It may be mistyped, revoked or expired."  # noqa: S105


@dataclass(frozen=True)
class Visitor:
    """Who knocks: what is known of a browser before anybody is logged in. `cookie` is the session it had."""

    address: str | None
    user_agent: str | None
    request_id: str | None
    cookie: str | None = None


@dataclass(frozen=True)
class Doors:
    """What the configuration says about logging in."""

    sealer: Sealer
    second_factor: bool  # required for operators and admins

    def needs_factor(self, user: User) -> bool:
        """Whether `user` may not come in with a password alone."""
        return user.totp_confirmed_at is not None or (self.second_factor and Role[user.role] >= Role.operator)


def with_password(doors: Doors, visitor: Visitor, *, email: str, password: str) -> tuple[str, str]:
    """The plain id of a new session and its stage; raises TooMany or LoginRefused."""
    email = email.strip().lower()[:254]
    keys = throttle.login_keys(email, visitor.address)
    with transaction() as session:
        throttle.count_try(session, keys)
    with transaction() as session:
        user = users.find_user(session, email)
        stored = user.password_hash if user and user.disabled_at is None else None
    if not passwords.verify_password(stored, password) or user is None or stored is None:
        _note_failure("user", email, visitor)
        raise LoginRefused(WRONG)
    fresh = passwords.hash_password(password) if passwords.needs_rehash(stored) else None
    with transaction() as session:
        user = users.get_user(session, user.id, lock=True)
        if user.password_hash != stored or user.disabled_at is not None:  # changed while this was hashed
            raise LoginRefused(WRONG)
        if fresh:
            user.password_hash = fresh
        if user.totp_confirmed_at is not None:
            # The account's tries go on until the code is right, too; the address did nothing wrong.
            throttle.forgive(session, [key for key in keys if key.startswith("address:")])
            return _open(session, user, visitor, stage="code"), "code"
        throttle.forgive(session, keys)
        stage = "enrol" if doors.needs_factor(user) else "full"
        return _open(session, user, visitor, stage=stage, doors=doors), stage


def with_code(doors: Doors, visitor: Visitor, half: sessions.Half, code: str) -> str:
    """The plain id of the full session that a right code, or an unused recovery code, opens.

    Raises TooMany or LoginRefused. Every code works once, of two browsers that send the same one is let in.
    """
    with transaction() as session:
        keys = throttle.login_keys(users.get_user(session, half.user_id).email, visitor.address)
        throttle.count_try(session, keys)
    with transaction() as session:
        user = users.get_user(session, half.user_id, lock=True)
        if _is_right(doors, user, code):
            throttle.forgive(session, keys)
            return _open(session, user, visitor, stage="full")
    _note_failure("user", user.email, visitor)
    raise LoginRefused(WRONG_CODE)


def begin_enrolment(doors: Doors, user: User) -> None:
    """Give `user` a new secret to put into their app; it counts for nothing until a first code has proved it."""
    user.totp_secret, user.totp_confirmed_at = doors.sealer.seal(second_factor.new_secret()), None
    user.totp_last_step, user.recovery_hashes = None, []


def find_secret_to_enrol(doors: Doors, user: User) -> str | None:
    """The secret that waits for its first code; None: there is none, or another browser has proved it by now."""
    if user.totp_secret is None or user.totp_confirmed_at is not None or user.disabled_at is not None:
        return None
    return doors.sealer.open(user.totp_secret)


def finish_enrolment(doors: Doors, visitor: Visitor, half: sessions.Half, code: str) -> tuple[str, list[str]]:
    """The plain id of a full session and ten recovery codes, shown once; raises LoginRefused, TooMany."""
    with transaction() as session:
        keys = throttle.login_keys(users.get_user(session, half.user_id).email, visitor.address)
        throttle.count_try(session, keys)
    with transaction() as session:
        user = users.get_user(session, half.user_id, lock=True)
        secret = find_secret_to_enrol(doors, user)
        step = second_factor.match_code(secret, code, last_step=None) if secret else None
        if step is not None:
            codes = second_factor.new_recovery_codes()
            user.totp_last_step, user.totp_confirmed_at = step, session.scalar(select(func.now()))
            user.recovery_hashes = [second_factor.hash_recovery_code(one) for one in codes]
            audit(session, _actor(user, visitor), "user.set_second_factor", "user", user.id)
            throttle.forgive(session, keys)
            return _open(session, user, visitor, stage="full"), codes
    _note_failure("user", user.email, visitor)
    raise LoginRefused(WRONG_CODE)


def with_link(doors: Doors, visitor: Visitor, key: str, *, password: str) -> tuple[str, str] | None:
    """A new session and its stage for whoever holds an unused link and sets a password; None: it is good no more."""
    stored = passwords.hash_password(password)
    with transaction() as session:
        user = users.use_link(
            session, key, password_hash=stored, address=visitor.address, request_id=visitor.request_id
        )
        if user is None:
            return None
        stage = "code" if user.totp_confirmed_at else "enrol" if doors.needs_factor(user) else "full"
        return _open(session, user, visitor, stage=stage, doors=doors), stage


def set_up_anew(doors: Doors, visitor: Visitor, user_id: int, *, by: Actor) -> str:
    """Begin with another second factor: every session of the user ends, the new one leads to its setting up."""
    with transaction() as session:
        user = users.get_user(session, user_id, lock=True)
        audit(session, by, "user.drop_second_factor", "user", user.id)
        sessions.end_sessions(session, user_id=user.id, by=by)
        return _open(session, user, visitor, stage="enrol", doors=doors)


def with_token(visitor: Visitor, plain: str) -> str:
    """The plain id of a session that an API token opens; raises TooMany or LoginRefused."""
    keys = throttle.login_keys(None, visitor.address)
    with transaction() as session:
        throttle.count_try(session, keys)
    with transaction() as session:
        who = tokens.verify_token(session, plain.strip())
        if who is not None:
            throttle.forgive(session, keys)
            by = Actor("token", who.name, who.role, visitor.address, visitor.request_id, who.user_id, who.token_id)
            return _new_session(session, who, visitor, by=by, stage="full")
    _note_failure("token", "", visitor)
    raise LoginRefused(WRONG_TOKEN)


def _is_right(doors: Doors, user: User, code: str) -> bool:
    """Whether `code` is the app's or a recovery code, which is used up here."""
    if user.totp_secret is None or user.disabled_at is not None:
        return False
    step = second_factor.match_code(
        doors.sealer.open(user.totp_secret), code, last_step=user.totp_last_step, now=time.time()
    )
    if step is not None:
        user.totp_last_step = step
        return True
    hashed = second_factor.hash_recovery_code(code)
    if hashed in user.recovery_hashes:
        user.recovery_hashes = [one for one in user.recovery_hashes if one != hashed]
        return True
    return False


def _open(session: Session, user: User, visitor: Visitor, *, stage: str, doors: Doors | None = None) -> str:
    if stage == "enrol" and doors is not None:
        begin_enrolment(doors, user)  # a new secret: the last one may have been seen by whoever knew the password
    if stage == "full":
        user.last_login_at = session.scalar(select(func.now()))
    return _new_session(session, users.identity_of(user), visitor, by=_actor(user, visitor), stage=stage)


def _new_session(session: Session, who: Identity, visitor: Visitor, *, by: Actor, stage: str) -> str:
    if visitor.cookie:
        sessions.end_session(session, visitor.cookie, by=by)
    return sessions.open_session(
        session, who, address=visitor.address, user_agent=visitor.user_agent, by=by, stage=stage
    )


def _actor(user: User, visitor: Visitor) -> Actor:
    return users.actor_of(user, address=visitor.address, request_id=visitor.request_id)


def _note_failure(kind: str, name: str, visitor: Visitor) -> None:
    """One audit row a judged try; the throttle bounds how many there can be."""
    by = Actor(kind, "somebody", Role.viewer, visitor.address, visitor.request_id)
    with transaction() as session:
        shown = name[:100] if "@" in name else "unknown"  # people also type passwords into the wrong field
        audit(session, by, "session.open", kind, shown, outcome="refused")
