"""What all tables share: the metadata, column types, and the words that CHECK constraints allow."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Identity,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ISSUE_TYPES = (
    "bug",
    "friction",
    "ux_confusion",
    "feature_request",
    "documentation_gap",
    "data_issue",
    "configuration",
    "performance",
    "other",
    "unclear",  # said by the local analyzer alone: which type it is does not stand out
)
SEVERITIES = ("critical", "high", "medium", "low")
THEME_STATUSES = ("new", "reviewing", "acknowledged", "planned", "in_progress", "fixed", "wont_fix")
TREND_FLAGS = ("new", "rising", "spike", "fading", "faded", "came_back")
RUN_STATES = ("queued", "running", "waiting", "completed", "failed", "crashed", "cancelled", "skipped")
ACTIVE_STATES = ("queued", "running", "waiting")
TERMINAL_STATES = ("completed", "failed", "crashed", "cancelled", "skipped")
WAIT_REASONS = (
    "retry",
    "rescue",
    "released",
    "yield",
    "rate_limit",
    "batch",
    "budget",
    "configuration",
    "key",
    "paused",
)
TRIGGERS = ("schedule", "button", "api", "cli", "code", "rerun", "pipeline", "webhook")
STEP_STATES = ("pending", "running", "completed", "skipped", "failed", "cancelled")
BATCH_STATES = ("submitting", "unknown", "submitted", "ingested", "given_up")
TICK_OUTCOMES = ("launched", "skipped_overlap", "skipped_misfire", "skipped_paused", "coalesced", "error")

NOW = text("now()")


def one_of(column: str, values: tuple[str, ...]) -> str:
    """The CHECK expression that holds `column` to `values`."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        int: BigInteger,
        str: Text,
        bool: Boolean,
        float: Double,
        Decimal: Numeric,
        dt.datetime: DateTime(timezone=True),
        dt.date: Date,
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: ARRAY(Text),
        bytes: LargeBinary,
        UUID: Uuid,
    }


def identity() -> Mapped[int]:
    return mapped_column(BigInteger, Identity(always=True), primary_key=True)


def created() -> Mapped[dt.datetime]:
    return mapped_column(server_default=NOW, doc="When the row was made.")
