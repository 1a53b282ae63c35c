"""Tables of what customers could have read: the public Help Centers and their articles."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import Base


class HelpCenterState(Base):
    """A Help Center of the settings, and how its last reading went."""

    __tablename__ = "help_centers"
    __table_args__ = (PrimaryKeyConstraint("base"),)
    base: Mapped[str] = mapped_column(doc="Host and locale, as the settings name it.")
    read_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was last read whole; NULL: never.")
    fault: Mapped[str | None] = mapped_column(doc="Why the last reading failed; NULL: it did not.")


class HelpArticle(Base):
    """A public article, as it was when it was last read."""

    __tablename__ = "help_articles"
    __table_args__ = (PrimaryKeyConstraint("base", "article_id"),)
    base: Mapped[str] = mapped_column(doc="The Help Center it stands in.")
    article_id: Mapped[int] = mapped_column(doc="Its id there.")
    title: Mapped[str] = mapped_column(doc="The title.")
    section: Mapped[str] = mapped_column(doc="The section it stands in; empty: not told.")
    url: Mapped[str] = mapped_column(doc="Where people read it.")
    body: Mapped[str] = mapped_column(doc="The beginning of its text, without markup.")
    updated_at: Mapped[dt.datetime | None] = mapped_column(doc="When its author last changed it; NULL: not told.")
