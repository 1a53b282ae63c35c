"""Tables of what was done: runs with keys, steps, attempts and events."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import (
    NOW,
    RUN_STATES,
    STEP_STATES,
    TERMINAL_STATES,
    TRIGGERS,
    WAIT_REASONS,
    Base,
    created,
    identity,
    one_of,
)


class JobRun(Base):
    """One execution of a job. Only `miner/runs/lifecycle.py` changes a row; a trigger guards what is final."""

    __tablename__ = "job_runs"
    __table_args__ = (
        CheckConstraint(one_of("state", RUN_STATES), name="state"),
        CheckConstraint(one_of("trigger", TRIGGERS), name="trigger"),
        CheckConstraint("wait_reason IS NULL OR " + one_of("wait_reason", WAIT_REASONS), name="wait_reason"),
        CheckConstraint("(state = 'waiting') = (wait_reason IS NOT NULL)", name="waiting_iff_reason"),
        CheckConstraint(
            f"({one_of('state', TERMINAL_STATES)}) = (finished_at IS NOT NULL)", name="terminal_iff_finished"
        ),
        CheckConstraint(
            "(state = 'running') = (lease_owner IS NOT NULL) AND (lease_owner IS NULL) = (lease_expires_at IS NULL)"
            " AND (lease_owner IS NULL) = (claimed_at IS NULL)",
            name="running_iff_leased",
        ),
        CheckConstraint("state <> 'running' OR (started_at IS NOT NULL AND attempt >= 1)", name="running_is_started"),
        CheckConstraint("state <> 'queued' OR (started_at IS NULL AND attempt = 0)", name="queued_is_fresh"),
        CheckConstraint(
            "state NOT IN ('completed', 'failed', 'crashed', 'waiting') OR started_at IS NOT NULL",
            name="done_was_started",
        ),
        CheckConstraint(
            "(state = 'skipped') = (skip_reason IS NOT NULL) AND (state <> 'skipped' OR started_at IS NULL)",
            name="skipped_never_ran",
        ),
        CheckConstraint("state <> 'cancelled' OR cancel_requested_at IS NOT NULL", name="cancelled_was_asked"),
        CheckConstraint("(cancel_requested_at IS NULL) = (cancel_requested_by IS NULL)", name="cancel_pair"),
        CheckConstraint(
            "(state IN ('failed', 'crashed') OR (state = 'waiting' AND wait_reason IN ('retry', 'rescue')))"
            " = (error_class IS NOT NULL)",
            name="error_iff_bad",
        ),
        CheckConstraint("(error_class IS NULL) = (error_message IS NULL)", name="error_pair"),
        CheckConstraint(
            "(started_at IS NULL OR started_at >= created_at)"
            " AND (finished_at IS NULL OR finished_at >= coalesce(started_at, created_at))",
            name="time_order",
        ),
        CheckConstraint(
            "(trigger = 'schedule') = (schedule_id IS NOT NULL) AND (schedule_id IS NULL) = (scheduled_for IS NULL)",
            name="schedule_pair",
        ),
        CheckConstraint("attempt >= 0 AND attempt <= max_attempts", name="attempt_range"),
        CheckConstraint("rescue_count >= 0 AND rescue_count <= max_rescues", name="rescue_range"),
        CheckConstraint("worked_seconds >= 0", name="worked"),
        CheckConstraint("parent_id <> id AND rerun_of_id <> id", name="not_own_parent"),
        CheckConstraint("jsonb_typeof(args) = 'object' AND octet_length(args::text) <= 65536", name="args"),
        CheckConstraint("char_length(error_message) <= 8000", name="error_length"),
        CheckConstraint(
            "char_length(idempotency_key) >= 1 AND char_length(idempotency_key) <= 200", name="idempotency"
        ),
        Index(
            "job_runs_fire_key",
            "schedule_id",
            "scheduled_for",
            unique=True,
            postgresql_where=sql("schedule_id IS NOT NULL"),
        ),
        Index(
            "job_runs_idempotency_key",
            "job_name",
            "idempotency_key",
            unique=True,
            postgresql_where=sql("idempotency_key IS NOT NULL"),
        ),
        Index("job_runs_due_idx", "run_after", "id", postgresql_where=sql("state IN ('queued', 'waiting')")),
        Index("job_runs_lease_idx", "lease_expires_at", postgresql_where=sql("state = 'running'")),
        Index("job_runs_job_idx", "job_name", sql("id DESC")),
        Index(
            "job_runs_bad_idx",
            "state",
            sql("id DESC"),
            postgresql_where=sql("state IN ('failed', 'crashed', 'cancelled', 'skipped')"),
        ),
        Index("job_runs_finished_idx", "finished_at", postgresql_where=sql("finished_at IS NOT NULL")),
        Index("job_runs_rerun_idx", "rerun_of_id", postgresql_where=sql("rerun_of_id IS NOT NULL")),
        Index("job_runs_parent_idx", "parent_id", postgresql_where=sql("parent_id IS NOT NULL")),
        Index(
            "job_runs_fingerprint_idx",
            "error_fingerprint",
            sql("id DESC"),
            postgresql_where=sql("error_fingerprint IS NOT NULL"),
        ),
    )
    id: Mapped[int] = identity()
    job_name: Mapped[str] = mapped_column(doc="The job, as declared in `runs/jobs.py`.")
    state: Mapped[str] = mapped_column(server_default="queued", doc="Where the run stands.")
    wait_reason: Mapped[str | None] = mapped_column(doc="Why a waiting run waits.")
    wait_detail: Mapped[str | None] = mapped_column(doc="The same as a sentence, with the remedy if a person must act.")
    trigger: Mapped[str] = mapped_column(doc="What started it.")
    triggered_by: Mapped[str] = mapped_column(doc="Who started it, as shown on pages.")
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedules.id"), doc="The schedule that fired.")
    scheduled_for: Mapped[dt.datetime | None] = mapped_column(doc="The fire time it stands for.")
    parent_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run this one works for."
    )
    rerun_of_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run this one repeats."
    )
    idempotency_key: Mapped[str | None] = mapped_column(doc="A caller's key: the same key returns the same run.")
    keys: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"), doc="What the run needs for itself alone.")
    args: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="Validated arguments.")
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default="0", doc="Attempts begun; a retry costs one.")
    max_attempts: Mapped[int] = mapped_column(SmallInteger, server_default="1", doc="Attempts allowed.")
    rescue_count: Mapped[int] = mapped_column(SmallInteger, server_default="0", doc="Times its worker was lost.")
    max_rescues: Mapped[int] = mapped_column(SmallInteger, server_default="2", doc="Losses allowed before crashed.")
    run_after: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="Not to be claimed before.")
    rung_at: Mapped[dt.datetime | None] = mapped_column(doc="When a bell for it was last handed to the broker.")
    ring_count: Mapped[int] = mapped_column(Integer, server_default="0", doc="Bells since it last ran.")
    created_at: Mapped[dt.datetime] = created()
    started_at: Mapped[dt.datetime | None] = mapped_column(doc="When it first started; the duration includes waits.")
    finished_at: Mapped[dt.datetime | None] = mapped_column(doc="When it reached a final state.")
    claimed_at: Mapped[dt.datetime | None] = mapped_column(doc="When the current holder took it.")
    worked_seconds: Mapped[float] = mapped_column(
        server_default="0", doc="Working time of earlier holders, in seconds."
    )
    deadline_seconds: Mapped[int] = mapped_column(Integer, server_default="21600", doc="Working time allowed.")
    lease_owner: Mapped[UUID | None] = mapped_column(doc="The worker that holds it.")
    lease_token: Mapped[int] = mapped_column(server_default="0", doc="Grows with every holder; every write carries it.")
    lease_expires_at: Mapped[dt.datetime | None] = mapped_column(doc="Past this the worker counts as lost.")
    cancel_requested_at: Mapped[dt.datetime | None] = mapped_column(doc="When somebody asked it to stop.")
    cancel_requested_by: Mapped[str | None] = mapped_column(doc="Who asked.")
    current_step: Mapped[str | None] = mapped_column(doc="The step it is in.")
    progress: Mapped[str | None] = mapped_column(doc="What it does right now, as a sentence.")
    counters: Mapped[dict[str, Any]] = mapped_column(
        server_default=sql("'{}'"), doc="tickets, issues, input_tokens, output_tokens, cost_usd where they apply."
    )
    warning_count: Mapped[int] = mapped_column(Integer, server_default="0", doc="Warnings logged.")
    event_count: Mapped[int] = mapped_column(Integer, server_default="0", doc="Log lines kept; capped.")
    error_class: Mapped[str | None] = mapped_column(doc="The error's class.")
    error_message: Mapped[str | None] = mapped_column(doc="The error's sentence.")
    error_fingerprint: Mapped[str | None] = mapped_column(doc="Groups the same error across runs.")
    skip_reason: Mapped[str | None] = mapped_column(doc="Why it deliberately did not run.")
    settings_version: Mapped[int | None] = mapped_column(doc="The settings it ran under.")
    app_version: Mapped[str] = mapped_column(server_default="", doc="The version that made the run.")


class JobRunKey(Base):
    """A key is held by at most one run, from its creation to its end."""

    __tablename__ = "job_run_keys"
    key: Mapped[str] = mapped_column(primary_key=True, doc="sync, analyze or themes.")
    run_id: Mapped[int] = mapped_column(ForeignKey("job_runs.id", ondelete="CASCADE"), index=True, doc="The holder.")


class JobRunStep(Base):
    """One stage of a run, with how far it is."""

    __tablename__ = "job_run_steps"
    __table_args__ = (
        PrimaryKeyConstraint("run_id", "position"),
        CheckConstraint(one_of("state", STEP_STATES), name="state"),
        CheckConstraint("(state = 'skipped') = (skip_reason IS NOT NULL)", name="skipped_iff_reason"),
        CheckConstraint("state = 'pending' OR state = 'skipped' OR started_at IS NOT NULL", name="begun"),
    )
    run_id: Mapped[int] = mapped_column(ForeignKey("job_runs.id", ondelete="CASCADE"), doc="The run.")
    position: Mapped[int] = mapped_column(SmallInteger, doc="Order in the run, from 0.")
    name: Mapped[str] = mapped_column(doc="The step's name.")
    state: Mapped[str] = mapped_column(server_default="pending", doc="Where the step stands.")
    skip_reason: Mapped[str | None] = mapped_column(doc="Why it had nothing to do.")
    unit: Mapped[str] = mapped_column(doc="What `done` counts: tickets, issues, themes.")
    done: Mapped[int] = mapped_column(server_default="0", doc="Units finished.")
    total: Mapped[int | None] = mapped_column(doc="Units in all; NULL: not known.")
    counters: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="What the step did.")
    checkpoint: Mapped[dict[str, Any] | None] = mapped_column(doc="Where it resumes.")
    started_at: Mapped[dt.datetime | None] = mapped_column(doc="When it began.")
    progress_at: Mapped[dt.datetime | None] = mapped_column(doc="When a unit was last finished.")
    finished_at: Mapped[dt.datetime | None] = mapped_column(doc="When it ended.")


class JobRunAttempt(Base):
    """One hold of a run by one worker: from the claim to the end, the release or the loss."""

    __tablename__ = "job_run_attempts"
    __table_args__ = (
        PrimaryKeyConstraint("run_id", "lease_token"),
        CheckConstraint(
            "outcome IS NULL OR "
            + one_of("outcome", ("completed", "failed", "crashed", "cancelled", "released", "waiting")),
            name="outcome",
        ),
        CheckConstraint("(finished_at IS NULL) = (outcome IS NULL)", name="finished_iff_outcome"),
        CheckConstraint("finished_at IS NULL OR finished_at >= started_at", name="time_order"),
        Index("job_run_attempts_open_key", "run_id", unique=True, postgresql_where=sql("finished_at IS NULL")),
    )
    run_id: Mapped[int] = mapped_column(ForeignKey("job_runs.id", ondelete="CASCADE"), doc="The run.")
    lease_token: Mapped[int] = mapped_column(doc="The token of this hold.")
    attempt: Mapped[int] = mapped_column(SmallInteger, doc="The attempt it belongs to; a release keeps the number.")
    worker_id: Mapped[UUID] = mapped_column(doc="The worker.")
    started_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it was claimed.")
    finished_at: Mapped[dt.datetime | None] = mapped_column(doc="When the hold ended.")
    outcome: Mapped[str | None] = mapped_column(doc="How the hold ended.")
    error_class: Mapped[str | None] = mapped_column(doc="The error's class.")
    error_message: Mapped[str | None] = mapped_column(doc="The error's sentence.")
    traceback: Mapped[str | None] = mapped_column(doc="Where it happened, secrets scrubbed.")


class JobRunEvent(Base):
    """One line of a run's story."""

    __tablename__ = "job_run_events"
    __table_args__ = (
        CheckConstraint(one_of("level", ("debug", "info", "warning", "error")), name="level"),
        Index("job_run_events_run_id_id_idx", "run_id", "id"),
    )
    id: Mapped[int] = identity()
    run_id: Mapped[int] = mapped_column(ForeignKey("job_runs.id", ondelete="CASCADE"), doc="The run.")
    at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it happened.")
    level: Mapped[str] = mapped_column(server_default="info", doc="debug, info, warning or error.")
    name: Mapped[str] = mapped_column(doc="A constant in snake case; pages and alerts group by it.")
    message: Mapped[str] = mapped_column(doc="The line people read.")
    step: Mapped[str | None] = mapped_column(doc="The step it belongs to.")
    data: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="Its numbers and ids.")
