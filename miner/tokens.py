"""API tokens: what lets programs in. Only hashes are kept.

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
from typing import Any

from sqlalchemy import ColumnElement, Exists, and_, func, or_, select, update
from sqlalchemy.orm import QueryableAttribute, Session, aliased

from miner.access import Actor, Identity, Role, audit, require
from miner.errors import InvalidArguments, NotFound
from miner.models import ApiToken, User, WebSession

# "Last used" is for people: a minute is fine enough, and most requests then write nothing.
_FINE_ENOUGH = dt.timedelta(minutes=1)
# What a token may do is called its scope; each includes those before it.
SCOPES = {"read": Role.viewer, "run": Role.operator, "admin": Role.admin}

_SHAPE = re.compile(r"miner_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_NOBODY = hashlib.sha256(b"nobody").hexdigest()


def create_token(
    session: Session, *, name: str, role: Role, by: Actor, expires_at: dt.datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token and return its row and its plain text, which is shown once and kept nowhere.

    Whoever makes one cannot give it more than they may do themselves; a user's tokens end with the user.
    Raises InvalidArguments for a name that is empty, longer than 100 characters or not printable, and Refused.
    """
    # A token of little scope, once lost, must not make itself successors.
    require(by, Role.admin if by.kind == "token" else role, f"create tokens with the scope {scope_of(role)}")
    if not 1 <= len(name) <= 100 or not name.isprintable() or not name.strip():
        raise InvalidArguments({"name": "1 to 100 printable characters are needed"})
    token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    row = ApiToken(
        id=token_id,
        name=name.strip(),
        role=role.name,
        secret_hash=hash_secret(secret),
        created_by=str(by),
        expires_at=expires_at,
        user_id=by.user_id,
    )
    session.add(row)
    session.flush()
    audit(session, by, "token.create", "token", token_id, after={"name": row.name, "role": row.role})
    return row, f"miner_{token_id}_{secret}"


def revoke_token(session: Session, token_id: str, *, by: Actor) -> ApiToken:
    """End a token and every session that was opened with it, now; raises NotFound. Twice is the same as once.

    An admin may end any, others their own; of the rest they do not learn which exist.
    """
    row = session.get(ApiToken, token_id)
    if row is None or by.user_id is None or row.user_id != by.user_id:
        require(by, Role.admin, "revoke tokens of others")
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


def list_tokens(session: Session, *, user_id: int | None = None) -> list[ApiToken]:
    """Every token, or those of one user, the newest first."""
    query = select(ApiToken).order_by(ApiToken.created_at.desc(), ApiToken.id)
    return list(session.scalars(query if user_id is None else query.where(ApiToken.user_id == user_id)))


def scope_of(role: Role) -> str:
    """The scope of tokens that may do what `role` may."""
    return next(scope for scope, allowed in SCOPES.items() if allowed is role)


def usable_admin() -> Exists:
    """For a WHERE or SELECT: whether an admin token exists that is neither revoked nor past its end."""
    return select(ApiToken.id).where(ApiToken.role == Role.admin.name, usable()).exists()


def verify_token(session: Session, plain: str) -> Identity | None:
    """Whom `plain` lets in; None for a wrong, unknown, revoked or expired token alike."""
    match = _SHAPE.fullmatch(plain)
    token_id, secret = match.groups() if match else ("", "")
    row = session.scalars(select(ApiToken).where(ApiToken.id == token_id, usable())).one_or_none()
    # An unknown id costs the same comparison as a wrong secret.
    proved = hmac.compare_digest(row.secret_hash if row else _NOBODY, hash_secret(secret))
    if row is None or not proved:
        return None
    session.execute(
        update(ApiToken)
        .where(ApiToken.id == row.id, longer_ago(ApiToken.last_used_at, _FINE_ENOUGH))
        .values(last_used_at=func.now())
        .execution_options(synchronize_session=False)
    )
    role = Role[row.role]
    if row.user_id is not None:  # a user who may do less now has tokens that may do less
        role = min(role, Role[session.scalars(select(User.role).where(User.id == row.user_id)).one()])
    return Identity(row.name, role, token_id=row.id, user_id=row.user_id)


def hash_secret(secret: str) -> str:
    """SHA-256 in hex: enough for what holds 256 random bits."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def usable() -> ColumnElement[bool]:
    """Neither revoked nor past its end, and its user, if it has one, is not shut out."""
    owner = aliased(User)  # a session's query joins its own user
    shut_out = select(owner.id).where(owner.id == ApiToken.user_id, owner.disabled_at.is_not(None))
    return and_(
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > func.now()),
        ~shut_out.exists(),
    )


def longer_ago(column: QueryableAttribute[Any], age: dt.timedelta) -> ColumnElement[bool]:
    """Whether a time is unknown or more than `age` past."""
    return or_(column.is_(None), column < func.now() - age)
