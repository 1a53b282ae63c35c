"""Tables of Message Batches: the outbox of what is read at half price, and the requests in it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import BATCH_STATES, Base, created, identity, one_of

REQUEST_OUTCOMES = ("succeeded", "errored", "canceled", "expired", "lost")
OPEN = "state IN ('submitting', 'unknown', 'submitted')"


class ModelBatch(Base):
    """A batch of calls to a paid model, written before it is sent; an open one belongs to the run that reads."""

    __tablename__ = "model_batches"
    __table_args__ = (
        CheckConstraint(one_of("state", BATCH_STATES), name="state"),
        CheckConstraint("(state = 'ingested') = (ingested_at IS NOT NULL)", name="ingested_pair"),
        CheckConstraint("state <> 'submitted' OR submitted_at IS NOT NULL", name="submitted_has_time"),
        CheckConstraint("provider_id IS NULL OR submitted_at IS NOT NULL", name="known_was_submitted"),
        Index("model_batches_run_id_idx", "run_id"),
        Index("model_batches_open_idx", "id", postgresql_where=sql(OPEN)),
    )
    id: Mapped[int] = identity()
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run that looks after it, and pays for it."
    )
    token: Mapped[str] = mapped_column(unique=True, doc="What the custom ids begin with: the proof that it is ours.")
    state: Mapped[str] = mapped_column(
        doc="submitting, unknown (the answer to its creation was lost), submitted, ingested or given_up."
    )
    model: Mapped[str] = mapped_column(doc="The model that is asked.")
    prompt_version: Mapped[str] = mapped_column(doc="The version of the instructions.")
    question: Mapped[str | None] = mapped_column(doc="A hash of all but the text that decides an answer.")
    settings_version: Mapped[int] = mapped_column(ForeignKey("settings.version"), doc="The settings it was made under.")
    requests: Mapped[int] = mapped_column(Integer, doc="Requests in it.")
    bound_usd: Mapped[Decimal | None] = mapped_column(doc="The most that it can cost; NULL: the price is unknown.")
    provider_id: Mapped[str | None] = mapped_column(unique=True, doc="Its id at Claude; NULL: not known for certain.")
    candidates: Mapped[list[str]] = mapped_column(
        server_default=sql("'{}'"), doc="Batches at Claude one of which may be it; told apart by their results."
    )
    not_ours: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"), doc="Former candidates that are not it.")
    looks: Mapped[int] = mapped_column(SmallInteger, server_default="0", doc="Times it was looked for in vain.")
    polls: Mapped[int] = mapped_column(Integer, server_default="0", doc="Times it was asked for since it was sent.")
    submitted_at: Mapped[dt.datetime | None] = mapped_column(doc="When Claude had it.")
    next_look_at: Mapped[dt.datetime | None] = mapped_column(doc="Not to be asked for before.")
    cancel: Mapped[bool] = mapped_column(
        server_default=sql("false"), doc="Whether its run was cancelled, so that it is to be cancelled at Claude."
    )
    cancel_sent_at: Mapped[dt.datetime | None] = mapped_column(doc="When Claude was asked to cancel it.")
    ingested_at: Mapped[dt.datetime | None] = mapped_column(doc="When all its results were stored.")
    deleted_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was deleted at Claude.")
    detail: Mapped[str | None] = mapped_column(doc="What went wrong with it last, as a sentence.")
    created_at: Mapped[dt.datetime] = created()


class ModelBatchRequest(Base):
    """One request of a batch, or one that waits for the next (no batch); gone once its batch is ingested."""

    __tablename__ = "model_batch_requests"
    __table_args__ = (
        UniqueConstraint("batch_id", "seq"),
        CheckConstraint("(batch_id IS NULL) = (seq IS NULL)", name="seq_in_batch"),
        CheckConstraint("outcome IS NULL OR " + one_of("outcome", REQUEST_OUTCOMES), name="outcome"),
        CheckConstraint("outcome IS NULL OR batch_id IS NOT NULL", name="answered_was_sent"),
        CheckConstraint(
            "cardinality(ticket_ids) >= 1 AND cardinality(ticket_ids) = cardinality(text_hashes)", name="tickets"
        ),
    )
    id: Mapped[int] = identity()
    batch_id: Mapped[int | None] = mapped_column(
        ForeignKey("model_batches.id", ondelete="CASCADE"), doc="Its batch; NULL: it waits for one."
    )
    seq: Mapped[int | None] = mapped_column(Integer, doc="Its number in the batch, the end of its custom id.")
    ticket_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), doc="The tickets in it, in order.")
    text_hashes: Mapped[list[str]] = mapped_column(doc="The version of each ticket's text.")
    calls: Mapped[int] = mapped_column(SmallInteger, server_default="0", doc="Answers these tickets had before.")
    wide: Mapped[bool] = mapped_column(server_default=sql("false"), doc="Whether the answer gets twice the room.")
    second: Mapped[bool] = mapped_column(
        server_default=sql("false"), doc="Whether the second model is asked, since the first declined."
    )
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0", doc="Times it was sent and not answered.")
    spent: Mapped[list[Any]] = mapped_column(
        JSONB, server_default=sql("'[]'"), doc="What each ticket has cost before: input tokens, output tokens, dollars."
    )
    articles: Mapped[list[Any]] = mapped_column(
        JSONB,
        server_default=sql("'[]'"),
        doc="The Help Center articles each ticket came with: title, section, address.",
    )
    outcome: Mapped[str | None] = mapped_column(doc="What became of it; NULL: not known yet.")
    created_at: Mapped[dt.datetime] = created()
