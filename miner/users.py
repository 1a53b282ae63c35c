"""Users: who may log in, made and changed by admins. Functions are handed a session and never commit.

A user is made without a password. A link, good once and for a day, lets them set one; the same kind of link is how an
admin helps who forgot theirs or lost the second factor.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from miner import sessions
from miner.access import Actor, Identity, Role, audit, require
from miner.errors import InvalidArguments, NotFound
from miner.models import User, UserLink
from miner.tokens import hash_secret, usable_admin

LINK_LIVES = dt.timedelta(hours=24)
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)*")
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


def create_user(session: Session, *, email: str, name: str, role: Role, by: Actor) -> tuple[User, str]:
    """Make a user and return the row and the key of the link that lets them set a password.

    Raises InvalidArguments for an address that is none or taken, or a name that cannot be shown, and Refused.
    """
    require(by, Role.admin, "create users")
    name = _clean_name(name.strip() or email.strip().partition("@")[0])
    email = _clean_email(email)
    if session.scalar(select(User.id).where(User.email == email)) is not None:
        raise InvalidArguments({"email": f"{email} is a user already"})
    user = User(email=email, name=name, role=role.name, created_by=str(by))
    session.add(user)
    session.flush()
    audit(session, by, "user.create", "user", user.id, after={"email": email, "role": role.name})
    return user, create_link(session, user.id, by=by)


def create_link(session: Session, user_id: int, *, by: Actor) -> str:
    """The key of a new link for a user; those made before stop working."""
    require(by, Role.admin, "make links to set a password")
    session.execute(
        update(UserLink).where(UserLink.user_id == user_id, UserLink.used_at.is_(None)).values(used_at=func.now())
    )
    key = secrets.token_urlsafe(32)
    session.add(
        UserLink(key_hash=hash_secret(key), user_id=user_id, created_by=str(by), expires_at=func.now() + LINK_LIVES)
    )
    return key


def find_by_link(session: Session, key: str, *, lock: bool = False) -> User | None:
    """Whose unused link has this key; `lock` holds it, so that two browsers cannot use it both."""
    if not _KEY.fullmatch(key):
        return None
    query = (
        select(User)
        .join(UserLink, UserLink.user_id == User.id)
        .where(
            UserLink.key_hash == hash_secret(key),
            UserLink.used_at.is_(None),
            UserLink.expires_at > func.now(),
            User.disabled_at.is_(None),
        )
    )
    return session.scalars(query.with_for_update(of=UserLink) if lock else query).one_or_none()


def use_link(
    session: Session, key: str, *, password_hash: str, address: str | None, request_id: str | None = None
) -> User | None:
    """Set the password of the link's user, end the link and their sessions; None if the link is good no more."""
    user = find_by_link(session, key, lock=True)
    if user is None:
        return None
    by = actor_of(user, address=address, request_id=request_id)
    session.execute(update(UserLink).where(UserLink.key_hash == hash_secret(key)).values(used_at=func.now()))
    set_password(session, user, password_hash=password_hash, by=by)
    return user


def set_password(session: Session, user: User, *, password_hash: str, by: Actor, keep: str | None = None) -> None:
    """Store a new hash and end every session of the user, but the one of the plain id `keep`."""
    user.password_hash = password_hash
    user.password_changed_at = session.scalar(select(func.now()))
    session.flush()
    audit(session, by, "user.set_password", "user", user.id)
    sessions.end_sessions(session, user_id=user.id, by=by, but=keep)


def reset_user(session: Session, user_id: int, *, by: Actor) -> tuple[User, str]:
    """Take password, second factor, recovery codes and sessions away and return the key of a new link."""
    require(by, Role.admin, "reset users")
    user = get_user(session, user_id, lock=True)  # a second factor that is proved at this moment goes as well
    user.password_hash = user.totp_confirmed_at = user.totp_secret = user.totp_last_step = None
    user.recovery_hashes = []
    session.flush()
    audit(session, by, "user.reset", "user", user_id)
    sessions.end_sessions(session, user_id=user_id, by=by)
    return user, create_link(session, user_id, by=by)


def set_role(session: Session, user_id: int, role: Role, *, by: Actor) -> User:
    """Change what a user may do; they log in anew. Raises InvalidArguments for the last admin."""
    require(by, Role.admin, "change roles")
    user = get_user(session, user_id, lock=True)
    if user.role == role.name:
        return user
    _keep_an_admin(session, user, by=by)
    before, user.role = user.role, role.name
    session.flush()
    audit(session, by, "user.set_role", "user", user_id, before={"role": before}, after={"role": role.name})
    sessions.end_sessions(session, user_id=user_id, by=by)
    return user


def disable_user(session: Session, user_id: int, *, by: Actor) -> User:
    """Shut a user out: sessions, links and tokens stop working now. Raises InvalidArguments for the last admin."""
    require(by, Role.admin, "disable users")
    user = get_user(session, user_id, lock=True)
    if user.disabled_at is None:
        _keep_an_admin(session, user, by=by)
        user.disabled_at = session.scalar(select(func.now()))
        session.flush()
        audit(session, by, "user.disable", "user", user_id)
        sessions.end_sessions(session, user_id=user_id, by=by)
    return user


def enable_user(session: Session, user_id: int, *, by: Actor) -> User:
    """Let a user in again, with the password they had."""
    require(by, Role.admin, "enable users")
    user = get_user(session, user_id, lock=True)
    if user.disabled_at is not None:
        user.disabled_at = None
        session.flush()
        audit(session, by, "user.enable", "user", user_id)
    return user


def get_user(session: Session, user_id: int, *, lock: bool = False) -> User:
    """Raises NotFound."""
    user = session.get(User, user_id, with_for_update=lock or None)
    if user is None:
        raise NotFound("user", user_id)
    return user


def find_user(session: Session, email: str) -> User | None:
    """The user with this address, in any case."""
    return session.scalars(select(User).where(User.email == email.strip().lower())).one_or_none()


def get_user_by_email(session: Session, email: str) -> User:
    """Raises NotFound."""
    user = find_user(session, email)
    if user is None:
        raise NotFound("user", email)
    return user


def list_users(session: Session) -> list[User]:
    """Every user by address."""
    return list(session.scalars(select(User).order_by(User.email)))


def admin_can_log_in(session: Session) -> bool:
    """Whether there is an admin with a password or with a link that is still good, or an admin token."""
    link = select(UserLink.key_hash).where(
        UserLink.user_id == User.id, UserLink.used_at.is_(None), UserLink.expires_at > func.now()
    )
    usable = and_(
        User.role == Role.admin.name,
        User.disabled_at.is_(None),
        or_(User.password_hash.is_not(None), link.exists()),
    )
    return bool(session.scalar(select(or_(select(User.id).where(usable).exists(), usable_admin()))))


def identity_of(user: User) -> Identity:
    return Identity(user.name, Role[user.role], user_id=user.id)


def actor_of(user: User, *, address: str | None, request_id: str | None = None) -> Actor:
    return Actor("user", user.name, Role[user.role], address, request_id, user.id)


def describe(user: User) -> dict[str, Any]:
    """What may be shown of a user, without any secret."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "state": "disabled" if user.disabled_at else "active" if user.password_hash else "invited",
        "second_factor": user.totp_confirmed_at is not None,
        "last_login_at": user.last_login_at,
    }


def _keep_an_admin(session: Session, user: User, *, by: Actor) -> None:
    """Raise InvalidArguments if without `user` no admin could log in from a browser; the command line may do it."""
    if user.role != Role.admin.name or by.kind == "cli":
        return
    others = session.scalars(
        select(User.id)
        .where(
            User.role == Role.admin.name,
            User.disabled_at.is_(None),
            User.password_hash.is_not(None),
            User.id != user.id,
        )
        .order_by(User.id)
        .with_for_update()
    ).all()  # locked, so that two admins cannot shut each other out at the same moment
    if not others:
        raise InvalidArguments({"role": "this is the last admin who can log in; make another one first"})


def _clean_email(email: str) -> str:
    email = email.strip().lower()
    if len(email) > 254 or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise InvalidArguments({"email": "an address like ada@example.com is needed"})
    return email


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise InvalidArguments({"name": "1 to 100 printable characters are needed"})
    return name
