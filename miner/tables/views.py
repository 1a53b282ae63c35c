"""The table of what people keep of lists: views, which are filters with a name."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, Base, created, identity, one_of

LISTS = ("themes", "issues", "tickets", "customers")


class SavedView(Base):
    """A list with its filters under a name, for the one who made it."""

    __tablename__ = "saved_views"
    __table_args__ = (
        UniqueConstraint("owner", "list", "name"),
        CheckConstraint(one_of("list", LISTS), name="list"),
    )
    id: Mapped[int] = identity()
    owner: Mapped[str] = mapped_column(doc="Whose: user:7, token:ab12, or the kind of who acts without an id.")
    list: Mapped[str] = mapped_column(doc="Of which list: themes, issues, tickets or customers.")
    name: Mapped[str] = mapped_column(doc="What it is called.")
    query: Mapped[str] = mapped_column(doc="Its query string, without the place in the list.")
    created_at: Mapped[dt.datetime] = created()
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it was last changed.")
