"""API tokens, and the browser sessions that are opened with one. Of both, only hashes are kept.

A token reads `miner_<id>_<secret>`: the id (8 characters) finds the row, the secret (256 random bits) proves it. With
that many bits a plain SHA-256 is enough; there is nothing to guess. Whether something is still good is asked of the
database's clock. Functions are handed a session and never commit.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import QueryableAttribute, Session

from miner.access import Actor, Role, audit, require
from miner.errors import InvalidArguments, NotFound
from miner.logs import storable
from miner.models import ApiToken, WebSession

IDLE = dt.timedelta(minutes=60)
LONGEST = dt.timedelta(hours=12)
# "Last used" and "last seen" are for people: a minute is fine enough, and most requests then write nothing.
_FINE_ENOUGH = dt.timedelta(minutes=1)

_SHAPE = re.compile(r"miner_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_NOBODY = hashlib.sha256(b"nobody").hexdigest()


@dataclass(frozen=True)
class Identity:
    """Whom a token or a session stands for."""

    name: str
    role: Role
    token_id: str


def create_token(
    session: Session, *, name: str, role: Role, by: Actor, expires_at: dt.datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token and return its row and its plain text, which is shown once and kept nowhere.

    Raises InvalidArguments for a name that is empty, longer than 100 characters or not printable, and Refused.
    """
    require(by, Role.admin, "create tokens")
    if not 1 <= len(name) <= 100 or not name.isprintable() or not name.strip():
        raise InvalidArguments({"name": "1 to 100 printable characters are needed"})
    token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    row = ApiToken(
        id=token_id,
        name=name.strip(),
        role=role.name,
        secret_hash=_hash(secret),
        created_by=str(by),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    audit(session, by, "token.create", "token", token_id, after={"name": row.name, "role": row.role})
    return row, f"miner_{token_id}_{secret}"


def revoke_token(session: Session, token_id: str, *, by: Actor) -> ApiToken:
    """End a token and every session that was opened with it, now; raises NotFound. Twice is the same as once."""
    require(by, Role.admin, "revoke tokens")
    row = session.get(ApiToken, token_id)
    if row is None:
        raise NotFound("token", token_id)
    if row.revoked_at is None:
        row.revoked_at = session.scalar(select(func.now()))
        session.execute(
            update(WebSession)
            .where(WebSession.token_id == token_id, WebSession.ended_at.is_(None))
            .values(ended_at=func.now())
        )
        audit(session, by, "token.revoke", "token", token_id, before={"name": row.name, "role": row.role})
    return row


def list_tokens(session: Session) -> list[ApiToken]:
    """Every token, the newest first."""
    return list(session.scalars(select(ApiToken).order_by(ApiToken.created_at.desc(), ApiToken.id)))


def admin_can_log_in(session: Session) -> bool:
    """Whether an admin token exists that is neither revoked nor past its end."""
    usable_admin = select(ApiToken.id).where(ApiToken.role == Role.admin.name, _usable())
    return bool(session.scalar(select(usable_admin.exists())))


def verify_token(session: Session, plain: str) -> Identity | None:
    """Whom `plain` lets in; None for a wrong, unknown, revoked or expired token alike."""
    match = _SHAPE.fullmatch(plain)
    token_id, secret = match.groups() if match else ("", "")
    row = session.scalars(select(ApiToken).where(ApiToken.id == token_id, _usable())).one_or_none()
    # An unknown id costs the same comparison as a wrong secret.
    proved = hmac.compare_digest(row.secret_hash if row else _NOBODY, _hash(secret))
    if row is None or not proved:
        return None
    session.execute(
        update(ApiToken)
        .where(ApiToken.id == row.id, _longer_ago(ApiToken.last_used_at, _FINE_ENOUGH))
        .values(last_used_at=func.now())
        .execution_options(synchronize_session=False)
    )
    return Identity(row.name, Role[row.role], row.id)


def open_session(session: Session, who: Identity, *, address: str | None, user_agent: str | None, by: Actor) -> str:
    """Sign a browser in and return the plain id for its cookie; every call gives a new one."""
    plain = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            id_hash=_hash(plain),
            token_id=who.token_id,
            role=who.role.name,
            address=address,
            user_agent=storable(user_agent)[:300] if user_agent else None,
            expires_at=func.now() + LONGEST,
        )
    )
    audit(session, by, "session.open", "token", who.token_id)
    return plain


def find_session(session: Session, plain: str, *, touch: bool) -> Identity | None:
    """Whom a cookie stands for; None once it was ended, idle for IDLE, older than LONGEST, or its token is gone.

    `touch` says that a person did something; polls of an open page pass False and keep nothing alive.
    """
    id_hash = _hash(plain)
    row = session.execute(
        select(ApiToken.name, WebSession.role, WebSession.token_id)
        .join(ApiToken, ApiToken.id == WebSession.token_id)
        .where(
            WebSession.id_hash == id_hash,
            WebSession.ended_at.is_(None),
            WebSession.expires_at > func.now(),
            WebSession.last_seen_at > func.now() - IDLE,
            _usable(),
        )
    ).one_or_none()
    if row is None:
        return None
    if touch:
        session.execute(
            update(WebSession)
            .where(WebSession.id_hash == id_hash, _longer_ago(WebSession.last_seen_at, _FINE_ENOUGH))
            .values(last_seen_at=func.now())
            .execution_options(synchronize_session=False)
        )
    return Identity(row.name, Role[row.role], row.token_id)


def end_session(session: Session, plain: str, *, by: Actor) -> None:
    """Sign a browser out; its cookie is worthless from here on."""
    ended = session.scalar(
        update(WebSession)
        .where(WebSession.id_hash == _hash(plain), WebSession.ended_at.is_(None))
        .values(ended_at=func.now())
        .returning(WebSession.token_id)
    )
    if ended is not None:
        audit(session, by, "session.end", "token", ended)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _usable() -> ColumnElement[bool]:
    return and_(
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > func.now()),
    )


def _longer_ago(column: QueryableAttribute[Any], age: dt.timedelta) -> ColumnElement[bool]:
    return or_(column.is_(None), column < func.now() - age)
