"""Tables of what people and trials say about readings: corrections, weekly checks, trials, whole re-readings."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import Base, created, identity, one_of

CORRECTION_KINDS = ("type", "area", "severity", "theme", "not_an_issue", "missed")
CHECK_KINDS = ("issue", "no_issue")
VERDICTS = ("right", "wrong_theme", "wrong")
SCOPES = ("all", "local", "older")


class Correction(Base):
    """One thing that a person said about an issue; it stands until it is undone."""

    __tablename__ = "corrections"
    __table_args__ = (
        CheckConstraint(one_of("kind", CORRECTION_KINDS), name="kind"),
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone_pair"),
        Index("corrections_ticket_id_idx", "ticket_id", "id"),
        Index("corrections_issue_id_idx", "issue_id", "id"),
        Index("corrections_standing_idx", sql("id DESC"), postgresql_where=sql("undone_at IS NULL")),
    )
    id: Mapped[int] = identity()
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), doc="Where the issue stands.")
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"), doc="What was corrected.")
    kind: Mapped[str] = mapped_column(doc="type, area, severity, theme, not_an_issue or missed.")
    before: Mapped[dict[str, Any]] = mapped_column(doc="The columns as they stood.")
    after: Mapped[dict[str, Any]] = mapped_column(doc="The columns as the person wants them.")
    original: Mapped[dict[str, Any]] = mapped_column(doc="The columns as they were read, before any correction.")
    settings_version: Mapped[int] = mapped_column(ForeignKey("settings.version"), doc="The settings then in force.")
    created_by: Mapped[str] = mapped_column(doc="Who said it.")
    created_at: Mapped[dt.datetime] = created()
    undone_by: Mapped[str | None] = mapped_column(doc="Who took it back.")
    undone_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was taken back; NULL: it stands.")


class Check(Base):
    """A week's sample of reports and of answers without one, to be judged by a person."""

    __tablename__ = "checks"
    __table_args__ = (UniqueConstraint("monday"),)
    id: Mapped[int] = identity()
    monday: Mapped[dt.date] = mapped_column(doc="The first day of its week.")
    seed: Mapped[int] = mapped_column(doc="What the draw was made with; the same pool and seed draw the same.")
    created_by: Mapped[str] = mapped_column(doc="Who had it drawn.")
    created_at: Mapped[dt.datetime] = created()


class CheckItem(Base):
    """One report or one answer of a check, as it was shown, and what the person said."""

    __tablename__ = "check_items"
    __table_args__ = (
        UniqueConstraint("check_id", "position"),
        CheckConstraint(one_of("kind", CHECK_KINDS), name="kind"),
        CheckConstraint("verdict IS NULL OR " + one_of("verdict", VERDICTS), name="verdict"),
        CheckConstraint("verdict <> 'wrong_theme' OR theme_id IS NOT NULL", name="theme_verdict"),
        CheckConstraint("(kind = 'issue') = (issue_id IS NOT NULL)", name="issue_of_its_kind"),
        CheckConstraint("(verdict IS NULL) = (answered_at IS NULL)", name="answered_pair"),
        Index("check_items_ticket_id_idx", "ticket_id"),
        Index("check_items_issue_id_idx", "issue_id"),
        Index("check_items_analysis_id_idx", "analysis_id"),
    )
    id: Mapped[int] = identity()
    check_id: Mapped[int] = mapped_column(ForeignKey("checks.id", ondelete="CASCADE"), doc="Its check.")
    position: Mapped[int] = mapped_column(Integer, doc="Its place, from 1.")
    kind: Mapped[str] = mapped_column(doc="issue: a report; no_issue: an answer without one.")
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), doc="The ticket read.")
    issue_id: Mapped[int | None] = mapped_column(
        ForeignKey("issues.id", ondelete="CASCADE"), doc="The report; NULL: an answer without one."
    )
    analysis_id: Mapped[int] = mapped_column(ForeignKey("analyses.id", ondelete="CASCADE"), doc="The reading judged.")
    settings_version: Mapped[int] = mapped_column(ForeignKey("settings.version"), doc="The settings it was read under.")
    model: Mapped[str] = mapped_column(doc="What read it.")
    theme_id: Mapped[int | None] = mapped_column(
        ForeignKey("themes.id", ondelete="SET NULL"), doc="The theme it was shown in; NULL: none."
    )
    shown: Mapped[dict[str, Any]] = mapped_column(doc="The report as it was read, or the reason for none.")
    verdict: Mapped[str | None] = mapped_column(doc="right, wrong_theme (right, but not in its theme) or wrong.")
    answered_by: Mapped[str | None] = mapped_column(doc="Who judged it.")
    answered_at: Mapped[dt.datetime | None] = mapped_column(doc="When; NULL: not yet.")


class Trial(Base):
    """A sample of tickets read once more with the present configuration, stored apart: no issue is touched."""

    __tablename__ = "trials"
    __table_args__ = (CheckConstraint(one_of("scope", SCOPES), name="scope"),)
    id: Mapped[int] = identity()
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), index=True, doc="The run that read it."
    )
    scope: Mapped[str] = mapped_column(doc="Which tickets it stands for: all, local or older.")
    tickets: Mapped[int] = mapped_column(Integer, doc="How many tickets that were.")
    characters: Mapped[int] = mapped_column(doc="The characters of their texts.")
    sample: Mapped[int] = mapped_column(Integer, doc="How many of them were drawn.")
    seed: Mapped[int] = mapped_column(doc="What the draw was made with.")
    analyzer: Mapped[str] = mapped_column(doc="local or claude.")
    model: Mapped[str] = mapped_column(doc="What read it.")
    settings_version: Mapped[int] = mapped_column(ForeignKey("settings.version"), doc="The settings it was read under.")
    created_by: Mapped[str] = mapped_column(doc="Who asked for it.")
    created_at: Mapped[dt.datetime] = created()
    finished_at: Mapped[dt.datetime | None] = mapped_column(doc="When the last ticket was read; NULL: not yet.")


class TrialReading(Base):
    """A ticket of a trial: what is stored of it, and what the trial found in it."""

    __tablename__ = "trial_readings"
    __table_args__ = (PrimaryKeyConstraint("trial_id", "ticket_id"),)
    trial_id: Mapped[int] = mapped_column(ForeignKey("trials.id", ondelete="CASCADE"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), index=True)
    outcome: Mapped[str | None] = mapped_column(doc="issues, no_issue, skipped or failed; NULL: not read yet.")
    reason: Mapped[str | None] = mapped_column(doc="Why there is no issue.")
    before: Mapped[list[dict[str, Any]] | None] = mapped_column(doc="Its issues as they stood; NULL: not read yet.")
    found: Mapped[list[dict[str, Any]] | None] = mapped_column(doc="What the trial found; NULL: not read yet.")
    cost_usd: Mapped[Decimal | None] = mapped_column(doc="Dollars; NULL: no model was asked, or its price is unknown.")


class Rereading(Base):
    """Tickets that are read again all together; undone as a whole, or not at all."""

    __tablename__ = "rereadings"
    __table_args__ = (
        CheckConstraint(one_of("scope", SCOPES), name="scope"),
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone_pair"),
    )
    id: Mapped[int] = identity()
    trial_id: Mapped[int | None] = mapped_column(
        ForeignKey("trials.id", ondelete="SET NULL"), index=True, doc="The trial that came before it."
    )
    scope: Mapped[str] = mapped_column(doc="Which tickets: all, local or older.")
    tickets: Mapped[int] = mapped_column(Integer, doc="How many tickets that are.")
    model: Mapped[str] = mapped_column(doc="What was to read them.")
    settings_version: Mapped[int] = mapped_column(ForeignKey("settings.version"), doc="The settings then in force.")
    last_issue_id: Mapped[int] = mapped_column(doc="The newest issue there was; those it finds are newer.")
    last_analysis_id: Mapped[int] = mapped_column(doc="The newest reading there was; its own are newer.")
    created_by: Mapped[str] = mapped_column(doc="Who asked for it.")
    created_at: Mapped[dt.datetime] = created()
    undone_by: Mapped[str | None] = mapped_column(doc="Who took it back.")
    undone_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was taken back; NULL: it stands.")


class RereadTicket(Base):
    """A ticket of a re-reading, with its marks as they stood."""

    __tablename__ = "reread_tickets"
    __table_args__ = (PrimaryKeyConstraint("rereading_id", "ticket_id"),)
    rereading_id: Mapped[int] = mapped_column(ForeignKey("rereadings.id", ondelete="CASCADE"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), index=True)
    text_hash: Mapped[str] = mapped_column(doc="The version of its text that had been read.")
    analyzed_at: Mapped[dt.datetime | None] = mapped_column(doc="When it had been read.")


class RereadIssue(Base):
    """An issue of a re-read ticket as it stood before, for as long as that can be undone."""

    __tablename__ = "reread_issues"
    __table_args__ = (PrimaryKeyConstraint("rereading_id", "issue_id"),)
    rereading_id: Mapped[int] = mapped_column(ForeignKey("rereadings.id", ondelete="CASCADE"))
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"), index=True)
    columns: Mapped[dict[str, Any]] = mapped_column(doc="Every column of the issue by name.")
