"""Tables of what lasts: themes, their events, their days, and the episodes of their flags."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, PrimaryKeyConstraint, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, THEME_STATUSES, TREND_FLAGS, Base, created, identity, one_of


class Theme(Base):
    """A group of issues with a name and an address that last. The newest trend stands on the row itself."""

    __tablename__ = "themes"
    __table_args__ = (
        CheckConstraint(one_of("name_source", ("terms", "claude", "human")), name="name_source"),
        CheckConstraint(one_of("status", THEME_STATUSES), name="status"),
        CheckConstraint("flag IS NULL OR " + one_of("flag", TREND_FLAGS), name="flag"),
        CheckConstraint("(flag IS NULL) = (flagged_at IS NULL)", name="flag_pair"),
        CheckConstraint("heir_id IS NULL OR retired_at IS NOT NULL", name="heir_only_when_retired"),
        CheckConstraint("heir_id <> id", name="not_own_heir"),
        CheckConstraint("fixed_version IS NULL OR fixed_at IS NOT NULL", name="fixed_version"),
        CheckConstraint("came_back_at IS NULL OR fixed_at IS NOT NULL", name="came_back"),
        Index("themes_size_idx", sql("issue_count DESC"), "id", postgresql_where=sql("retired_at IS NULL")),
        Index("themes_heir_id_idx", "heir_id", postgresql_where=sql("heir_id IS NOT NULL")),
        Index("themes_fixed_idx", "id", postgresql_where=sql("fixed_at IS NOT NULL AND retired_at IS NULL")),
    )
    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(doc="What people call it.")
    name_source: Mapped[str] = mapped_column(doc="terms, claude or human; a human name is never replaced.")
    terms: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"), doc="Its most distinctive words.")
    type: Mapped[str | None] = mapped_column(doc="The most frequent issue type in it.")
    area: Mapped[str | None] = mapped_column(doc="The most frequent area in it; NULL: mostly unknown.")
    status: Mapped[str] = mapped_column(server_default="new", doc="What the product people do about it.")
    owner: Mapped[str | None] = mapped_column(doc="Who looks after it; NULL: nobody.")
    fixed_at: Mapped[dt.datetime | None] = mapped_column(
        doc="When the fix reached customers; NULL: the status is not fixed."
    )
    fixed_version: Mapped[str | None] = mapped_column(doc="The version that has the fix; NULL: not named.")
    came_back_at: Mapped[dt.datetime | None] = mapped_column(
        doc="When a look saw it come back after this fix; NULL: it did not."
    )
    issue_count: Mapped[int] = mapped_column(Integer, server_default="0", doc="Live issues with a verified quote.")
    first_seen_at: Mapped[dt.datetime | None] = mapped_column(doc="When the first issue occurred.")
    last_seen_at: Mapped[dt.datetime | None] = mapped_column(doc="When the latest issue occurred.")
    portrait: Mapped[dict[str, Any]] = mapped_column(
        server_default=sql("'{}'"), doc="What it says: sentences, feedback points and quotes, each with issue ids."
    )
    centroid: Mapped[bytes | None] = mapped_column(doc="Mean vector of its issues, little-endian float16.")
    flag: Mapped[str | None] = mapped_column(doc="The flag of its newest open episode; NULL: none.")
    flagged_at: Mapped[dt.datetime | None] = mapped_column(doc="When that episode was raised.")
    trend_sentence: Mapped[str] = mapped_column(
        server_default="not judged yet", doc="The flag, or why there is none, in words a person can check."
    )
    trend_numbers: Mapped[dict[str, Any]] = mapped_column(
        server_default=sql("'{}'"), doc="The numbers behind the sentence."
    )
    judged_at: Mapped[dt.datetime | None] = mapped_column(doc="When the trend rule last looked.")
    heir_id: Mapped[int | None] = mapped_column(ForeignKey("themes.id"), doc="The theme that took its issues over.")
    retired_at: Mapped[dt.datetime | None] = mapped_column(doc="When it lost its last issue; its address still works.")
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run that made it."
    )
    created_at: Mapped[dt.datetime] = created()
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When a run or a person last changed it.")


class ThemeEvent(Base):
    """One line of a theme's life: born, split, merged, retired, renamed."""

    __tablename__ = "theme_events"
    __table_args__ = (
        CheckConstraint(one_of("kind", ("born", "split", "merged", "retired", "revived", "renamed")), name="kind"),
        Index("theme_events_theme_id_id_idx", "theme_id", "id"),
        Index("theme_events_run_id_idx", "run_id"),
    )
    id: Mapped[int] = identity()
    theme_id: Mapped[int] = mapped_column(ForeignKey("themes.id"), doc="The theme.")
    kind: Mapped[str] = mapped_column(doc="What happened.")
    other_id: Mapped[int | None] = mapped_column(ForeignKey("themes.id"), doc="The other side of a split or merge.")
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="Counts and names.")
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run that did it."
    )
    created_at: Mapped[dt.datetime] = created()


class ThemeDay(Base):
    """How often a theme was reported on a day of the workspace's calendar; days without a report have no row."""

    __tablename__ = "theme_days"
    __table_args__ = (PrimaryKeyConstraint("theme_id", "day"), Index("theme_days_day_idx", "day"))
    theme_id: Mapped[int] = mapped_column(ForeignKey("themes.id", ondelete="CASCADE"), doc="The theme.")
    day: Mapped[dt.date] = mapped_column(doc="The day, in the `time_zone` setting.")
    reports: Mapped[int] = mapped_column(Integer, doc="Issues that occurred, those with a verified quote.")
    customers: Mapped[int | None] = mapped_column(Integer, doc="Distinct customers; NULL: the source has none.")


class ThemeEpisode(Base):
    """A flag from the day it was raised to the day it ended: raised once, however long it holds."""

    __tablename__ = "theme_episodes"
    __table_args__ = (
        CheckConstraint(one_of("kind", TREND_FLAGS), name="kind"),
        CheckConstraint("last_on >= started_on AND (ended_on IS NULL OR ended_on >= last_on)", name="order"),
        Index("theme_episodes_open_key", "theme_id", "kind", unique=True, postgresql_where=sql("ended_on IS NULL")),
        Index("theme_episodes_raised_at_idx", "raised_at", "id"),
    )
    id: Mapped[int] = identity()
    theme_id: Mapped[int] = mapped_column(ForeignKey("themes.id", ondelete="CASCADE"), doc="The theme.")
    kind: Mapped[str] = mapped_column(doc="The flag.")
    started_on: Mapped[dt.date] = mapped_column(doc="The judged day on which it was raised.")
    last_on: Mapped[dt.date] = mapped_column(doc="The latest judged day on which its rule held.")
    ended_on: Mapped[dt.date | None] = mapped_column(doc="The judged day that ended it; NULL: it stands.")
    sentence: Mapped[str] = mapped_column(doc="What was said when it was raised.")
    numbers: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="The numbers behind the sentence.")
    p: Mapped[float | None] = mapped_column(doc="What chance alone would give; NULL: the rule has no chance.")
    continues_id: Mapped[int | None] = mapped_column(
        ForeignKey("theme_episodes.id", ondelete="SET NULL"),
        doc="The episode of the theme it was split from, which was told already; NULL: it is news.",
    )
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run that raised it."
    )
    raised_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it was raised.")


class TrendLook(Base):
    """The latest look of the trend rules at the workspace, in one row: what was judged, or why nothing could be."""

    __tablename__ = "trend_look"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, doc="Always 1.")
    looked_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When the rules last looked.")
    judged_day: Mapped[dt.date | None] = mapped_column(doc="The last day that was judged; NULL: none yet.")
    covered_days: Mapped[int | None] = mapped_column(Integer, doc="Days that counted then; NULL: none yet.")
    not_judged: Mapped[str | None] = mapped_column(doc="Why the latest look judged nothing, in words; NULL: it did.")
