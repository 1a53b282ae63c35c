"""Tables of what makes runs start and who works them: schedules and ticks, wishes, workers, switches, beats."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, PrimaryKeyConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, TICK_OUTCOMES, Base, created, one_of


class Schedule(Base):
    """When a job starts by itself. The minute tick reads this table; nothing else knows a cron line."""

    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint(one_of("overlap", ("skip",)), name="overlap"),
        CheckConstraint("misfire_grace_seconds >= 0", name="grace"),
        CheckConstraint("(paused_at IS NULL) = (paused_by IS NULL)", name="paused_pair"),
        Index("schedules_due_idx", "next_fire_at"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, doc="A short name, for example daily_sync.")
    title: Mapped[str] = mapped_column(doc="What pages show.")
    job_name: Mapped[str] = mapped_column(doc="The job it starts.")
    args: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="The arguments it starts it with.")
    cron: Mapped[str] = mapped_column(doc="Five cron fields.")
    timezone: Mapped[str] = mapped_column(server_default="UTC", doc="IANA zone the cron line is read in.")
    misfire_grace_seconds: Mapped[int] = mapped_column(Integer, server_default="3600", doc="How late may it start.")
    coalesce: Mapped[bool] = mapped_column(server_default=sql("true"), doc="Several missed times start one run.")
    overlap: Mapped[str] = mapped_column(server_default="skip", doc="What happens while the job is active.")
    paused_at: Mapped[dt.datetime | None] = mapped_column(doc="Since when it is paused.")
    paused_by: Mapped[str | None] = mapped_column(doc="Who paused it.")
    pause_note: Mapped[str | None] = mapped_column(doc="Why.")
    evaluated_until: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="Fire times up to here are decided.")
    next_fire_at: Mapped[dt.datetime | None] = mapped_column(doc="The next one; NULL: to be computed by the next tick.")
    version: Mapped[int] = mapped_column(Integer, server_default="1", doc="Grows with every edit; guards against two.")
    created_at: Mapped[dt.datetime] = created()
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it was last edited.")


class ScheduleTick(Base):
    """What was decided for one fire time; the answer to "why did it not run?"."""

    __tablename__ = "schedule_ticks"
    __table_args__ = (
        PrimaryKeyConstraint("schedule_id", "fire_at"),
        CheckConstraint(one_of("outcome", TICK_OUTCOMES), name="outcome"),
        CheckConstraint("outcome = 'launched' OR detail IS NOT NULL", name="suppressed_has_reason"),
        Index("schedule_ticks_run_idx", "run_id", postgresql_where=sql("run_id IS NOT NULL")),
    )
    schedule_id: Mapped[str] = mapped_column(ForeignKey("schedules.id", ondelete="CASCADE"), doc="The schedule.")
    fire_at: Mapped[dt.datetime] = mapped_column(doc="The fire time.")
    decided_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When the tick decided.")
    outcome: Mapped[str] = mapped_column(doc="launched, or why not.")
    run_id: Mapped[int | None] = mapped_column(ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run it made.")
    detail: Mapped[str | None] = mapped_column(doc="The reason as a sentence.")


class Worker(Base):
    """One boot of a process that works or beats. Identity is the boot, never the host: a PaaS reuses names."""

    __tablename__ = "workers"
    __table_args__ = (
        CheckConstraint(one_of("kind", ("worker", "scheduler")), name="kind"),
        Index("workers_heartbeat_idx", "heartbeat_at"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, doc="Made at boot.")
    kind: Mapped[str] = mapped_column(doc="worker or scheduler.")
    host: Mapped[str] = mapped_column(doc="Host name.")
    pid: Mapped[int] = mapped_column(Integer, doc="Process id there.")
    version: Mapped[str] = mapped_column(doc="Version of this software.")
    threads: Mapped[int | None] = mapped_column(Integer, doc="Actor threads.")
    started_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it booted.")
    heartbeat_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it was last alive.")
    stopping_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was told to stop.")
    stopped_at: Mapped[dt.datetime | None] = mapped_column(doc="When it ended in order.")


class Switch(Base):
    """Something that is switched on for the whole installation; no row: it is off. `paused` stops all work."""

    __tablename__ = "switches"
    name: Mapped[str] = mapped_column(primary_key=True, doc="What is on.")
    reason: Mapped[str] = mapped_column(doc="Why.")
    set_by: Mapped[str] = mapped_column(doc="Who switched it on.")
    set_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="Since when.")


class Beat(Base):
    """When something that must happen regularly last happened, for example the schedule tick."""

    __tablename__ = "beats"
    name: Mapped[str] = mapped_column(primary_key=True, doc="What beats.")
    at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it last did.")


class JobWake(Base):
    """A wish for a run from outside, such as a webhook's; the tick makes one run of however many there are."""

    __tablename__ = "job_wakes"
    __table_args__ = (PrimaryKeyConstraint("job_name"),)
    job_name: Mapped[str] = mapped_column(doc="The job that is wanted.")
    first_asked_at: Mapped[dt.datetime | None] = mapped_column(doc="Since when it is wanted; NULL: it is not.")
    last_asked_at: Mapped[dt.datetime] = mapped_column(doc="When it was asked for last.")
    asked_by: Mapped[str] = mapped_column(doc="Who asked last.")
    started_at: Mapped[dt.datetime | None] = mapped_column(doc="When a wish was last made a run.")
