"""Tables of how themes change: groupings, proposals, people's edits, and likenesses."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, PrimaryKeyConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import Base, created, identity, one_of

RUN = "job_runs.id"


class ThemeGrouping(Base):
    """What a run of the grouping did: how much of what was known it moved."""

    __tablename__ = "theme_groupings"
    __table_args__ = (
        CheckConstraint(one_of("mode", ("assigned", "regrouped", "accepted")), name="mode"),
        Index("theme_groupings_run_id_idx", "run_id"),
    )
    id: Mapped[int] = identity()
    run_id: Mapped[int | None] = mapped_column(ForeignKey(RUN, ondelete="SET NULL"), doc="The run.")
    mode: Mapped[str] = mapped_column(doc="assigned: new issues alone; regrouped: all; accepted: a proposal.")
    granularity: Mapped[float] = mapped_column(doc="The setting it was made with.")
    smallest: Mapped[int] = mapped_column(Integer, doc="The setting it was made with: issues that make a theme.")
    issues: Mapped[int] = mapped_column(Integer, doc="Live issues.")
    themes: Mapped[int] = mapped_column(Integer, doc="Live themes afterwards.")
    pool: Mapped[int] = mapped_column(Integer, doc="Issues that are not yet part of a theme.")
    known: Mapped[int] = mapped_column(Integer, doc="Issues that had a theme before.")
    moved: Mapped[int] = mapped_column(Integer, doc="Of these, how many have another or none now.")
    changes: Mapped[dict[str, Any]] = mapped_column(
        server_default=sql("'{}'"), doc="Themes born, split, merged, retired and revived, counted."
    )
    created_at: Mapped[dt.datetime] = created()


class ThemeProposal(Base):
    """A grouping that would move too much: it waits for a person. At most one is open or accepted."""

    __tablename__ = "theme_proposals"
    __table_args__ = (
        CheckConstraint(one_of("state", ("open", "accepted", "applied", "rejected", "superseded")), name="state"),
        CheckConstraint("(decided_at IS NULL) = (state = 'open')", name="decided"),
        Index(
            "theme_proposals_open_idx",
            "state",
            unique=True,
            postgresql_where=sql(one_of("state", ("open", "accepted"))),
        ),
        Index("theme_proposals_run_id_idx", "run_id"),
    )
    id: Mapped[int] = identity()
    run_id: Mapped[int | None] = mapped_column(ForeignKey(RUN, ondelete="SET NULL"), doc="The run that made it.")
    granularity: Mapped[float] = mapped_column(doc="The setting it was made with.")
    smallest: Mapped[int] = mapped_column(Integer, doc="The setting it was made with: issues that make a theme.")
    known: Mapped[int] = mapped_column(Integer, doc="Issues that had a theme when it was made.")
    moved: Mapped[int] = mapped_column(Integer, doc="Of these, how many it would move.")
    groups: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, doc="Its themes: id (null: new) and issue ids.")
    differences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, doc="What it would change, theme by theme.")
    state: Mapped[str] = mapped_column(server_default="open", doc="Where it stands.")
    decided_by: Mapped[str | None] = mapped_column(doc="Who decided; NULL: nobody, or a later grouping.")
    decided_at: Mapped[dt.datetime | None] = mapped_column(doc="When.")
    created_at: Mapped[dt.datetime] = created()


class ThemeEdit(Base):
    """What a person changed about themes: every later grouping obeys it until it is undone."""

    __tablename__ = "theme_edits"
    __table_args__ = (
        CheckConstraint(one_of("kind", ("rename", "merge", "split", "move", "pin", "unpin")), name="kind"),
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone"),
        Index("theme_edits_theme_id_idx", "theme_id"),
        Index("theme_edits_issue_id_idx", "issue_id"),
    )
    id: Mapped[int] = identity()
    kind: Mapped[str] = mapped_column(doc="What was done.")
    theme_id: Mapped[int | None] = mapped_column(ForeignKey("themes.id"), doc="The theme it was done to, or moved to.")
    other_id: Mapped[int | None] = mapped_column(ForeignKey("themes.id"), doc="The theme merged in or split off.")
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"), doc="The issue.")
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="What was before, for undoing.")
    created_by: Mapped[str] = mapped_column(doc="Who did it.")
    created_at: Mapped[dt.datetime] = created()
    undone_by: Mapped[str | None] = mapped_column(doc="Who undid it.")
    undone_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was undone.")


class ThemeLikeness(Base):
    """Two themes that are probably the same."""

    __tablename__ = "theme_likenesses"
    __table_args__ = (
        PrimaryKeyConstraint("theme_id", "other_id"),
        CheckConstraint("theme_id < other_id", name="ordered"),
        Index("theme_likenesses_other_id_idx", "other_id"),
    )
    theme_id: Mapped[int] = mapped_column(ForeignKey("themes.id", ondelete="CASCADE"), doc="One theme.")
    other_id: Mapped[int] = mapped_column(ForeignKey("themes.id", ondelete="CASCADE"), doc="The other.")
    likeness: Mapped[float] = mapped_column(doc="1: as alike across the two as within them.")
    refused_at: Mapped[dt.datetime | None] = mapped_column(doc="When a person said they are not the same.")
