"""The table of what was last tested while setting up."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, Base, one_of

SETUP_STEPS = ("zendesk", "brand", "taxonomy", "claude", "schedule", "login")


class SetupCheck(Base):
    """The last test of a step of setting up; tested again it is another."""

    __tablename__ = "setup_checks"
    __table_args__ = (
        CheckConstraint(one_of("step", SETUP_STEPS), name="step"),
        CheckConstraint(one_of("state", ("ok", "warning", "failed")), name="state"),
    )
    step: Mapped[str] = mapped_column(primary_key=True, doc="zendesk, brand, taxonomy, claude, schedule or login.")
    state: Mapped[str] = mapped_column(doc="The worst of its findings: ok, warning or failed.")
    findings: Mapped[list[dict[str, Any]]] = mapped_column(doc="What was found, each with state and sentence.")
    about: Mapped[str] = mapped_column(doc="What was configured then, without secrets; another now: tested before.")
    checked_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When.")
    checked_by: Mapped[str] = mapped_column(doc="Who asked.")
