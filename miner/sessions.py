"""Browser sessions: the cookie holds 256 random bits, the table their hash. Functions never commit.

Every login gets a new one. It ends an hour after a person last did something, twelve hours after the login, by logout,
by an admin, and with the user or the token it belongs to. Polls of an open page keep nothing alive.

A session whose stage is not `full` opens nothing: it only says who has given a right password and owes a second factor.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from miner.access import Actor, Identity, Role, audit
from miner.errors import NotFound
from miner.logs import storable
from miner.models import ApiToken, User, UserLink, WebSession
from miner.tokens import hash_secret, longer_ago, usable

IDLE = dt.timedelta(minutes=60)
LONGEST = dt.timedelta(hours=12)
HALF = dt.timedelta(minutes=10)  # how long a right password waits for its second factor
_FINE_ENOUGH = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Half:
    """A right password without its second factor: `stage` is `code` (one is set up) or `enrol` (one must be)."""

    user_id: int
    stage: str


def open_session(
    session: Session, who: Identity, *, address: str | None, user_agent: str | None, by: Actor, stage: str = "full"
) -> str:
    """Sign a browser in and return the plain id for its cookie; every call gives a new one."""
    plain = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            id_hash=hash_secret(plain),
            token_id=who.token_id,
            user_id=None if who.token_id else who.user_id,
            role=who.role.name,
            stage=stage,
            address=address,
            user_agent=storable(user_agent)[:300] if user_agent else None,
            expires_at=func.now() + (LONGEST if stage == "full" else HALF),
        )
    )
    if stage == "full":
        audit(session, by, "session.open", who.kind, who.token_id or who.user_id)
    return plain


def find_session(session: Session, plain: str, *, touch: bool) -> Identity | None:
    """Whom a cookie stands for; None once it was ended, idle for IDLE, older than LONGEST, or its owner is gone.

    `touch` says that a person did something; polls of an open page pass False and keep nothing alive.
    """
    id_hash, maker = hash_secret(plain), aliased(User)  # `maker`: whoever made the token it was opened with
    row = session.execute(
        select(
            func.coalesce(User.name, ApiToken.name).label("name"),
            func.coalesce(User.role, WebSession.role).label("role"),
            maker.role.label("at_most"),
            WebSession.token_id,
            func.coalesce(WebSession.user_id, ApiToken.user_id).label("user_id"),
        )
        .outerjoin(ApiToken, ApiToken.id == WebSession.token_id)
        .outerjoin(User, User.id == WebSession.user_id)
        .outerjoin(maker, maker.id == ApiToken.user_id)
        .where(WebSession.id_hash == id_hash, WebSession.stage == "full", _alive())
    ).one_or_none()
    if row is None:
        return None
    if touch:
        session.execute(
            update(WebSession)
            .where(WebSession.id_hash == id_hash, longer_ago(WebSession.last_seen_at, _FINE_ENOUGH))
            .values(last_seen_at=func.now())
            .execution_options(synchronize_session=False)
        )
    role = Role[row.role]
    return Identity(row.name, min(role, Role[row.at_most]) if row.at_most else role, row.token_id, row.user_id)


def find_half(session: Session, plain: str) -> Half | None:
    """Who has given a right password in this browser and owes a second factor."""
    row = session.execute(
        select(WebSession.user_id, WebSession.stage)
        .outerjoin(ApiToken, ApiToken.id == WebSession.token_id)
        .outerjoin(User, User.id == WebSession.user_id)
        .where(WebSession.id_hash == hash_secret(plain), WebSession.stage != "full", _alive())
    ).one_or_none()
    return Half(row.user_id, row.stage) if row else None


def end_session(session: Session, plain: str, *, by: Actor) -> None:
    """Sign a browser out; its cookie is worthless from here on."""
    ended = session.execute(
        update(WebSession)
        .where(WebSession.id_hash == hash_secret(plain), WebSession.ended_at.is_(None))
        .values(ended_at=func.now())
        .returning(WebSession.token_id, WebSession.user_id, WebSession.stage)
    ).one_or_none()
    if ended is not None and ended.stage == "full":
        audit(session, by, "session.end", "token" if ended.token_id else "user", ended.token_id or ended.user_id)


def end_sessions(session: Session, *, user_id: int, by: Actor, but: str | None = None) -> int:
    """End every session of a user, but the one of the plain id `but`; returns how many."""
    query = update(WebSession).where(_of(user_id), WebSession.ended_at.is_(None))
    if but is not None:
        query = query.where(WebSession.id_hash != hash_secret(but))
    ended = int(session.execute(query.values(ended_at=func.now())).rowcount)  # type: ignore[attr-defined]
    if ended:
        audit(session, by, "session.end_all", "user", user_id, after={"sessions": ended})
    return ended


def end_listed(session: Session, handle: str, *, user_id: int, by: Actor) -> None:
    """End the one session of a user that a list calls `handle`; raises NotFound."""
    ended = session.execute(
        update(WebSession)
        .where(
            _of(user_id),
            func.left(WebSession.id_hash, len(HANDLE)) == handle,
            WebSession.ended_at.is_(None),
        )
        .values(ended_at=func.now())
    ).rowcount  # type: ignore[attr-defined]
    if not ended:
        raise NotFound("session", handle)
    audit(session, by, "session.end", "user", user_id)


HANDLE = "0" * 12  # how much of a hash names a session in a list: nothing can be done with it


@dataclass(frozen=True)
class Listed:
    """A live session as its owner sees it."""

    handle: str
    address: str | None
    user_agent: str | None
    created_at: dt.datetime
    last_seen_at: dt.datetime
    is_this: bool


def list_sessions(session: Session, *, user_id: int, this: str | None) -> list[Listed]:
    """The live sessions of a user, the last used first; `this` is the plain id of the browser that asks."""
    rows = session.scalars(
        select(WebSession)
        .outerjoin(ApiToken, ApiToken.id == WebSession.token_id)
        .outerjoin(User, User.id == WebSession.user_id)
        .where(_of(user_id), WebSession.stage == "full", _alive())
        .order_by(WebSession.last_seen_at.desc())
        .limit(100)
    )
    own = hash_secret(this) if this else None
    return [
        Listed(
            handle=row.id_hash[: len(HANDLE)],
            address=row.address,
            user_agent=row.user_agent,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_this=row.id_hash == own,
        )
        for row in rows
    ]


def forget_old(session: Session) -> None:
    """Delete sessions and one-time links that have been over for a month; the audit log still names them."""
    month = func.now() - dt.timedelta(days=30)
    session.execute(delete(WebSession).where(WebSession.expires_at < month))
    session.execute(delete(UserLink).where(UserLink.expires_at < month))


def _of(user_id: int) -> ColumnElement[bool]:
    """A user's sessions: those of the password, and those that were opened with a token of theirs."""
    own = select(ApiToken.id).where(ApiToken.user_id == user_id)
    return or_(WebSession.user_id == user_id, WebSession.token_id.in_(own))


def _alive() -> ColumnElement[bool]:
    """For a session joined with its token or its user."""
    return and_(
        WebSession.ended_at.is_(None),
        WebSession.expires_at > func.now(),
        WebSession.last_seen_at > func.now() - IDLE,
        or_(
            and_(ApiToken.id.is_not(None), usable()),
            and_(User.id.is_not(None), User.disabled_at.is_(None), User.password_hash.is_not(None)),
        ),
    )
