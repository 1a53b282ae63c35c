"""Tables of the week's page: closed weeks as they were shown, and who looked when."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, Base


class ClosedWeek(Base):
    """A week that is over, as its page showed it. Written once; no word of a ticket is in it, quotes are looked up."""

    __tablename__ = "closed_weeks"
    __table_args__ = (Index("closed_weeks_run_id_idx", "run_id"),)
    monday: Mapped[dt.date] = mapped_column(primary_key=True, doc="The day it began.")
    zone: Mapped[str] = mapped_column(doc="The `time_zone` setting its days were counted in.")
    content: Mapped[dict[str, Any]] = mapped_column(doc="Sections, rows, totals and the state of the data, as shown.")
    top: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), server_default=sql("'{}'"), doc="Ids of its five biggest themes."
    )
    later: Mapped[bool] = mapped_column(doc="True: put together long after it ended, from what was known then.")
    settings_version: Mapped[int] = mapped_column(ForeignKey("settings.version"), doc="The settings in force then.")
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run that wrote it."
    )
    closed_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it was written.")


class WeekVisit(Base):
    """When somebody looked at the week: what was raised since the visit before is marked."""

    __tablename__ = "week_visits"
    visitor: Mapped[str] = mapped_column(primary_key=True, doc="user:<id>, token:<id>, or the local user.")
    visited_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="The latest look.")
    since: Mapped[dt.datetime | None] = mapped_column(
        doc="The last look of the visit before, an hour or more away; NULL: this is the first."
    )
