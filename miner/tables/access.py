"""Tables of who may do what: settings, tokens, sessions, the audit log."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
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


class ApiToken(Base):
    """A secret that lets a program or, exchanged for a session, a person in. Only its hash is kept."""

    __tablename__ = "api_tokens"
    __table_args__ = (CheckConstraint(one_of("role", ("viewer", "operator", "admin")), name="role"),)
    id: Mapped[str] = mapped_column(primary_key=True, doc="The public part of the token.")
    name: Mapped[str] = mapped_column(doc="What it is for.")
    role: Mapped[str] = mapped_column(doc="What it may do.")
    secret_hash: Mapped[str] = mapped_column(doc="SHA-256 of the secret part in hex.")
    created_by: Mapped[str] = mapped_column(doc="Who made it.")
    created_at: Mapped[dt.datetime] = created()
    expires_at: Mapped[dt.datetime | None] = mapped_column(doc="When it ends; NULL: when it is revoked.")
    last_used_at: Mapped[dt.datetime | None] = mapped_column(doc="When it last let somebody in.")
    revoked_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was revoked.")


class WebSession(Base):
    """A signed-in browser. The cookie holds the id, the table only its hash."""

    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint(one_of("role", ("viewer", "operator", "admin")), name="role"),)
    id_hash: Mapped[str] = mapped_column(primary_key=True, doc="SHA-256 of the cookie's value in hex.")
    token_id: Mapped[str] = mapped_column(
        ForeignKey("api_tokens.id", ondelete="CASCADE"), index=True, doc="Signed in by."
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


class AuditEntry(Base):
    """Who did what to which object. A trigger refuses every UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint(one_of("outcome", ("ok", "refused", "failed")), name="outcome"),
        Index("audit_log_object_idx", "object_kind", "object_id", sql("id DESC")),
    )
    id: Mapped[int] = identity()
    at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When.")
    actor_kind: Mapped[str] = mapped_column(doc="How we know the actor: local, token, schedule, cli, code, system.")
    actor_name: Mapped[str] = mapped_column(doc="Who.")
    address: Mapped[str | None] = mapped_column(doc="From where.")
    request_id: Mapped[str | None] = mapped_column(doc="In which request.")
    action: Mapped[str] = mapped_column(doc="noun.verb.")
    object_kind: Mapped[str] = mapped_column(doc="What kind of thing.")
    object_id: Mapped[str] = mapped_column(doc="Which.")
    before: Mapped[dict[str, Any] | None] = mapped_column(doc="What stood there.")
    after: Mapped[dict[str, Any] | None] = mapped_column(doc="What stands there now.")
    outcome: Mapped[str] = mapped_column(server_default="ok", doc="ok, refused or failed.")
