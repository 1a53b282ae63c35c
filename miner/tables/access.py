"""Tables of who may do what: settings, users, tokens, sessions, the audit log."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, Base, created, identity, one_of


class SettingsVersion(Base):
    """What operators edited, one row per version; the newest is in force, runs remember theirs."""

    __tablename__ = "settings"
    version: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(doc="Every setting that differs from its default.")
    note: Mapped[str] = mapped_column(server_default="", doc="Why it was changed.")
    created_by: Mapped[str] = mapped_column(doc="Who changed it.")
    created_at: Mapped[dt.datetime] = created()


ROLES = ("viewer", "operator", "admin")


class User(Base):
    """A person who can log in. Of password and recovery codes only hashes are kept, the TOTP secret is sealed."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email"),
        CheckConstraint(one_of("role", ROLES), name="role"),
        CheckConstraint("totp_confirmed_at IS NULL OR totp_secret IS NOT NULL", name="totp"),
    )
    id: Mapped[int] = identity()
    email: Mapped[str] = mapped_column(unique=True, doc="What they log in with, in lower case.")
    name: Mapped[str] = mapped_column(doc="What pages call them.")
    role: Mapped[str] = mapped_column(doc="What they may do.")
    password_hash: Mapped[str | None] = mapped_column(doc="argon2id; NULL until a one-time link was used.")
    password_changed_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was last set.")
    totp_secret: Mapped[str | None] = mapped_column(doc="Base 32, sealed with SECRET_KEY.")
    totp_confirmed_at: Mapped[dt.datetime | None] = mapped_column(doc="When a first code proved it; NULL: not in use.")
    totp_last_step: Mapped[int | None] = mapped_column(doc="The 30-second step of the last code: each works once.")
    recovery_hashes: Mapped[list[str]] = mapped_column(
        server_default="{}", doc="SHA-256 in hex of the recovery codes that are left."
    )
    created_by: Mapped[str] = mapped_column(doc="Who made it.")
    created_at: Mapped[dt.datetime] = created()
    last_login_at: Mapped[dt.datetime | None] = mapped_column(doc="When they last logged in.")
    disabled_at: Mapped[dt.datetime | None] = mapped_column(doc="When they were shut out.")


class UserLink(Base):
    """A link that lets one user set a password, once. Only the hash of its key is kept."""

    __tablename__ = "user_links"
    key_hash: Mapped[str] = mapped_column(primary_key=True, doc="SHA-256 of the link's key in hex.")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True, doc="Whose.")
    created_by: Mapped[str] = mapped_column(doc="Who made it.")
    created_at: Mapped[dt.datetime] = created()
    expires_at: Mapped[dt.datetime] = mapped_column(doc="When it ends unused.")
    used_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was used, or replaced by a newer one.")


class Throttle(Base):
    """How often something was tried that nobody may try without end."""

    __tablename__ = "throttles"
    key: Mapped[str] = mapped_column(primary_key=True, doc="What is counted: account:, address:, start: or refused:.")
    count: Mapped[int] = mapped_column(Integer, doc="Tries so far.")
    not_before: Mapped[dt.datetime] = mapped_column(doc="The next try is refused until then.")
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, index=True, doc="The last counted try.")


class ApiToken(Base):
    """A secret that lets a program or, exchanged for a session, a person in. Only its hash is kept."""

    __tablename__ = "api_tokens"
    __table_args__ = (CheckConstraint(one_of("role", ROLES), name="role"),)
    id: Mapped[str] = mapped_column(primary_key=True, doc="The public part of the token.")
    name: Mapped[str] = mapped_column(doc="What it is for.")
    role: Mapped[str] = mapped_column(doc="What it may do.")
    secret_hash: Mapped[str] = mapped_column(doc="SHA-256 of the secret part in hex.")
    created_by: Mapped[str] = mapped_column(doc="Who made it.")
    created_at: Mapped[dt.datetime] = created()
    expires_at: Mapped[dt.datetime | None] = mapped_column(doc="When it ends; NULL: when it is revoked.")
    last_used_at: Mapped[dt.datetime | None] = mapped_column(doc="When it last let somebody in.")
    revoked_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was revoked.")
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True, doc="Whose it is; NULL: made by the command line."
    )


SESSION_STAGES = ("code", "enrol", "full")


class WebSession(Base):
    """A signed-in browser. The cookie holds the id, the table only its hash."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint(one_of("role", ROLES), name="role"),
        CheckConstraint("num_nonnulls(token_id, user_id) = 1", name="owner"),
        CheckConstraint(one_of("stage", SESSION_STAGES), name="stage"),
    )
    id_hash: Mapped[str] = mapped_column(primary_key=True, doc="SHA-256 of the cookie's value in hex.")
    token_id: Mapped[str | None] = mapped_column(
        ForeignKey("api_tokens.id", ondelete="CASCADE"), index=True, doc="The token it was opened with."
    )
    role: Mapped[str] = mapped_column(doc="What it may do.")
    address: Mapped[str | None] = mapped_column(doc="Where it signed in from.")
    user_agent: Mapped[str | None] = mapped_column(doc="With what.")
    created_at: Mapped[dt.datetime] = created()
    last_seen_at: Mapped[dt.datetime] = mapped_column(
        server_default=NOW, doc="Last page a person opened; polls do not count."
    )
    expires_at: Mapped[dt.datetime] = mapped_column(doc="The absolute end.")
    ended_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was ended by logout or by an admin.")
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True, doc="The user it belongs to."
    )
    stage: Mapped[str] = mapped_column(
        server_default="full", doc="full; code: a second factor is awaited; enrol: one must be set up first."
    )


class AuditEntry(Base):
    """Who did what to which object. A trigger refuses every UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint(one_of("outcome", ("ok", "refused", "failed")), name="outcome"),
        Index("audit_log_object_idx", "object_kind", "object_id", sql("id DESC")),
        Index("audit_log_actor_idx", "actor_name", sql("id DESC")),
        Index("audit_log_action_idx", "action", sql("id DESC")),
    )
    id: Mapped[int] = identity()
    at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When.")
    actor_kind: Mapped[str] = mapped_column(
        doc="How we know them: local, user, token, schedule, cli, code, webhook, system."
    )
    actor_name: Mapped[str] = mapped_column(doc="Who.")
    actor_id: Mapped[str | None] = mapped_column(doc="Which user, or which token; NULL: nobody who has an id.")
    address: Mapped[str | None] = mapped_column(doc="From where.")
    request_id: Mapped[str | None] = mapped_column(doc="In which request.")
    action: Mapped[str] = mapped_column(doc="noun.verb.")
    object_kind: Mapped[str] = mapped_column(doc="What kind of thing.")
    object_id: Mapped[str] = mapped_column(doc="Which.")
    before: Mapped[dict[str, Any] | None] = mapped_column(doc="What stood there.")
    after: Mapped[dict[str, Any] | None] = mapped_column(doc="What stands there now.")
    outcome: Mapped[str] = mapped_column(server_default="ok", doc="ok, refused or failed.")
