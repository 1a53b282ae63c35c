"""Tables about what reading may cost: the backlogs that somebody is asked about."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, Base, created, identity, one_of

BACKLOG_REASONS = ("first", "large")
BACKLOG_ANSWERS = ("read", "leave")


class Backlog(Base):
    """Older tickets that Claude does not read before somebody has said so, with what that will cost.

    Until it is answered with "read", tickets of its sources that were never read and are older than its edge wait.
    """

    __tablename__ = "backlogs"
    __table_args__ = (
        CheckConstraint(one_of("reason", BACKLOG_REASONS), name="reason"),
        CheckConstraint("answer IS NULL OR " + one_of("answer", BACKLOG_ANSWERS), name="answer"),
        CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)", name="answered"
        ),
        CheckConstraint("(low_usd IS NULL) = (high_usd IS NULL) AND low_usd <= high_usd", name="price"),
        CheckConstraint("low_seconds <= high_seconds", name="time"),
        Index("backlogs_held_idx", "id", postgresql_where=sql("answer IS DISTINCT FROM 'read'")),
    )
    id: Mapped[int] = identity()
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run that read the newest and asks about the rest."
    )
    reason: Mapped[str] = mapped_column(doc="first: nothing of a source was read before; large: it costs much.")
    sources: Mapped[list[str]] = mapped_column(doc="The sources whose tickets it holds back.")
    edge_at: Mapped[dt.datetime] = mapped_column(doc="When the oldest ticket that is read unasked was created.")
    edge_id: Mapped[int] = mapped_column(doc="Its id; tickets of the same moment are held back below it.")
    tickets: Mapped[int] = mapped_column(Integer, doc="Tickets held back when they were last counted.")
    model: Mapped[str] = mapped_column(doc="The model that would read them.")
    low_usd: Mapped[Decimal | None] = mapped_column(doc="Dollars at least; NULL: the price is unknown.")
    high_usd: Mapped[Decimal | None] = mapped_column(doc="Dollars at most; NULL: the price is unknown.")
    low_seconds: Mapped[float] = mapped_column(doc="Seconds that reading them takes at least.")
    high_seconds: Mapped[float] = mapped_column(doc="Seconds that reading them takes at most.")
    counted_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it was last counted.")
    answer: Mapped[str | None] = mapped_column(doc="read or leave; NULL: nobody has answered.")
    answered_by: Mapped[str | None] = mapped_column(doc="Who answered.")
    answered_at: Mapped[dt.datetime | None] = mapped_column(doc="When.")
    created_at: Mapped[dt.datetime] = created()
