"""Tables of how a theme is followed up: what people say about it, where its work is tracked, who was told."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, Base, created, identity, one_of

LOG_KINDS = ("status", "owner", "note", "link")
CONTACT_STATES = ("to_contact", "told")


class ThemeLogLine(Base):
    """A status, an owner, a note or a tracker link that somebody gave a theme or took away. Lines are only added."""

    __tablename__ = "theme_log"
    __table_args__ = (
        CheckConstraint(one_of("kind", LOG_KINDS), name="kind"),
        Index("theme_log_theme_id_id_idx", "theme_id", "id"),
    )
    id: Mapped[int] = identity()
    theme_id: Mapped[int] = mapped_column(ForeignKey("themes.id"), doc="The theme.")
    kind: Mapped[str] = mapped_column(doc="status, owner, note or link.")
    before: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="What stood there, by column.")
    after: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="What stands there now, by column.")
    undoes_id: Mapped[int | None] = mapped_column(
        ForeignKey("theme_log.id"), unique=True, doc="The line that this one takes back; NULL: none."
    )
    created_by: Mapped[str] = mapped_column(doc="Who said it.")
    created_at: Mapped[dt.datetime] = created()


class ThemeLink(Base):
    """Where the work on a theme is tracked. An item of a tracker belongs to one theme."""

    __tablename__ = "theme_links"
    __table_args__ = (
        CheckConstraint("url LIKE 'https://%'", name="https"),
        Index("theme_links_theme_id_idx", "theme_id"),
    )
    id: Mapped[int] = identity()
    theme_id: Mapped[int] = mapped_column(ForeignKey("themes.id"), doc="The theme.")
    url: Mapped[str] = mapped_column(unique=True, doc="The item's address, https only.")
    title: Mapped[str | None] = mapped_column(doc="What it is called; NULL: the address is shown.")
    created_by: Mapped[str] = mapped_column(doc="Who added it.")
    created_at: Mapped[dt.datetime] = created()


class ThemeContact(Base):
    """A customer that somebody means to write to about a theme, or has told."""

    __tablename__ = "theme_contacts"
    __table_args__ = (
        PrimaryKeyConstraint("theme_id", "customer_id"),
        CheckConstraint(one_of("state", CONTACT_STATES), name="state"),
        Index("theme_contacts_customer_id_idx", "customer_id"),
    )
    theme_id: Mapped[int] = mapped_column(ForeignKey("themes.id"), doc="The theme.")
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), doc="The customer.")
    state: Mapped[str] = mapped_column(doc="to_contact or told.")
    marked_by: Mapped[str] = mapped_column(doc="Who said so.")
    marked_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When; told before a fix: not about that.")
