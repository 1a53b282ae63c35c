"""Tables of what came in: customers, tickets, comments, sync cursors."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, Base, created, identity, one_of

GONE_REASONS = ("deleted", "missing", "brand", "hidden", "cleared")


class Customer(Base):
    """Who is affected: an organization, else a mail domain, else a requester. Unmapped facts stay NULL: unknown."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("source", "kind", "external_key"),
        CheckConstraint(one_of("kind", ("organization", "domain", "requester")), name="kind"),
    )
    id: Mapped[int] = identity()
    source: Mapped[str] = mapped_column(doc="The ticket source that knows this customer.")
    kind: Mapped[str] = mapped_column(doc="What stands for the customer: organization, domain or requester.")
    external_key: Mapped[str] = mapped_column(doc="Organization id, domain or requester id at the source.")
    name: Mapped[str | None] = mapped_column(doc="The name shown; NULL: the key is shown.")
    plan: Mapped[str | None] = mapped_column(doc="Plan mapped by settings or an uploaded list.")
    revenue: Mapped[Decimal | None] = mapped_column(doc="Yearly revenue in `currency`.")
    currency: Mapped[str | None] = mapped_column(doc="ISO 4217 code of `revenue`.")
    segment: Mapped[str | None] = mapped_column(doc="Segment mapped by settings.")
    owner: Mapped[str | None] = mapped_column(doc="Who looks after the customer.")
    renewal_date: Mapped[dt.date | None] = mapped_column(doc="When the contract is renewed, from an uploaded list.")
    fields: Mapped[dict[str, Any]] = mapped_column(
        server_default=sql("'{}'"), doc="Custom fields and tags at the source, from which plan and so on are mapped."
    )
    created_at: Mapped[dt.datetime] = created()


class Ticket(Base):
    """What came in, with the one text that is hashed, analysed, quoted and searched."""

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        UniqueConstraint("zendesk_ticket_id", "source"),
        CheckConstraint("zendesk_ticket_id IS NULL OR source LIKE 'zendesk:%'", name="zendesk_id_from_zendesk"),
        CheckConstraint("(analyzed_at IS NULL) = (analyzed_text_hash IS NULL)", name="analyzed_pair"),
        CheckConstraint(f"gone_reason IS NULL OR {one_of('gone_reason', GONE_REASONS)}", name="gone_reason"),
        CheckConstraint("gone_reason IS NULL OR deleted_at IS NOT NULL", name="gone_pair"),
        Index("tickets_created_at_id_idx", sql("created_at DESC"), sql("id DESC")),
        Index(
            "tickets_pending_idx",
            sql("created_at DESC"),
            sql("id DESC"),
            postgresql_where=sql("deleted_at IS NULL AND analyzed_text_hash IS DISTINCT FROM text_hash"),
        ),
        Index("tickets_customer_id_idx", "customer_id"),
        Index("tickets_text_rules_idx", "text_rules"),
        Index(
            "tickets_words_idx",
            sql("to_tsvector('simple'::regconfig, left(text, 100000))"),
            postgresql_using="gin",
            postgresql_where=sql("deleted_at IS NULL"),
        ),
        Index("tickets_merged_idx", "source", postgresql_where=sql("merged_into IS NOT NULL")),
    )
    id: Mapped[int] = identity()
    source: Mapped[str] = mapped_column(doc="`zendesk:<subdomain>`, `file:<name>` or `sample`.")
    source_id: Mapped[str] = mapped_column(doc="The ticket's id at its source, as text.")
    zendesk_ticket_id: Mapped[int | None] = mapped_column(
        doc="Zendesk's number, unique in its account; NULL for every other source."
    )
    url: Mapped[str | None] = mapped_column(doc="Where the ticket can be opened at its source.")
    subject: Mapped[str] = mapped_column(server_default="", doc="The subject line, NUL removed.")
    status: Mapped[str] = mapped_column(doc="The source's word for its state, kept as it is.")
    priority: Mapped[str | None] = mapped_column(doc="The source's word for its priority.")
    requester: Mapped[str | None] = mapped_column(doc="The requester's id at the source; NULL: the source has none.")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), doc="Who is affected; NULL: unknown.")
    tags: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"), doc="The source's tags.")
    text: Mapped[str] = mapped_column(
        doc="The analysis text: subject, description and public comments in order, without personal data."
    )
    text_hash: Mapped[str] = mapped_column(doc="SHA-256 of `text` in hex; a change asks for a new analysis.")
    text_rules: Mapped[str] = mapped_column(
        server_default="",
        doc="The rules by which `text` was made, such as redacted-1; other than in force: made again.",
    )
    created_at: Mapped[dt.datetime] = mapped_column(doc="When the customer wrote it.")
    updated_at: Mapped[dt.datetime] = mapped_column(doc="When the source last changed it.")
    original_created_at: Mapped[dt.datetime | None] = mapped_column(
        doc="The date in the original data where `created_at` was mapped into the present (sample only)."
    )
    generated_timestamp: Mapped[int | None] = mapped_column(doc="Zendesk's export version; guards against old pages.")
    raw: Mapped[dict[str, Any]] = mapped_column(
        server_default=sql("'{}'"), doc="What the source sent beyond the columns, without text and addresses."
    )
    imported_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When we first stored it.")
    deleted_at: Mapped[dt.datetime | None] = mapped_column(doc="When it left the mirror; it is not shown or counted.")
    gone_reason: Mapped[str | None] = mapped_column(
        doc="Why: deleted or missing at the source, cleared by somebody (all purged); its brand or account is hidden."
    )
    merged_into: Mapped[int | None] = mapped_column(doc="Zendesk's number of the ticket it was merged into.")
    comment_count: Mapped[int | None] = mapped_column(Integer, doc="Comments the source says it has; NULL: unknown.")
    conversation_version: Mapped[int | None] = mapped_column(
        doc="The `generated_timestamp` whose comments are stored; NULL: they were never fetched."
    )
    analyzed_at: Mapped[dt.datetime | None] = mapped_column(doc="When it was last read; NULL: never.")
    analyzed_text_hash: Mapped[str | None] = mapped_column(doc="The version of the text that was read.")


class Person(Base):
    """What somebody of an account is called: kept to be taken out of texts, and shown nowhere."""

    __tablename__ = "people"
    __table_args__ = (PrimaryKeyConstraint("source", "key"),)
    source: Mapped[str] = mapped_column(doc="The ticket source.")
    key: Mapped[str] = mapped_column(doc="The person's id at the source, as tickets and comments name it.")
    name: Mapped[str] = mapped_column(doc="The name.")


class TicketComment(Base):
    """One message of a ticket's conversation; position 0 is the description."""

    __tablename__ = "ticket_comments"
    __table_args__ = (
        UniqueConstraint("ticket_id", "position"),
        CheckConstraint(one_of("author_kind", ("customer", "agent", "unknown")), name="author_kind"),
        CheckConstraint(
            "(text_start IS NULL) = (text_end IS NULL) AND (text_start IS NULL OR text_end >= text_start)",
            name="text_range",
        ),
        CheckConstraint("public OR text_start IS NULL", name="private_stays_out"),
    )
    id: Mapped[int] = identity()
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), doc="The ticket.")
    position: Mapped[int] = mapped_column(Integer, doc="Order in the conversation, from 0.")
    source_id: Mapped[str | None] = mapped_column(doc="The comment's id at the source.")
    author_kind: Mapped[str] = mapped_column(doc="customer, agent or unknown.")
    author: Mapped[str | None] = mapped_column(doc="The author's id at the source.")
    public: Mapped[bool] = mapped_column(doc="False: a private note; it never enters the analysis text.")
    body: Mapped[str] = mapped_column(doc="The message as plain text, NUL removed.")
    created_at: Mapped[dt.datetime] = mapped_column(doc="When it was written.")
    text_start: Mapped[int | None] = mapped_column(Integer, doc="First code point of it in `tickets.text`.")
    text_end: Mapped[int | None] = mapped_column(Integer, doc="One past its last code point there.")


class SyncCursor(Base):
    """How far a source's export has been stored; moves in the transaction of the rows it vouches for."""

    __tablename__ = "sync_cursors"
    __table_args__ = (PrimaryKeyConstraint("source", "lane"),)
    source: Mapped[str] = mapped_column(doc="The ticket source.")
    lane: Mapped[str] = mapped_column(doc="live, or the name of a backfill window.")
    cursor: Mapped[str | None] = mapped_column(doc="The source's opaque cursor; NULL: start at `start_time`.")
    start_time: Mapped[int | None] = mapped_column(doc="Unix seconds where the walk begins.")
    end_time: Mapped[int | None] = mapped_column(
        doc="Unix seconds where a window ends; NULL: the live lane never ends."
    )
    page_size: Mapped[int] = mapped_column(Integer, server_default=sql("1000"), doc="Rows asked for at a time.")
    covered_from: Mapped[int | None] = mapped_column(
        doc="Live lane: everything changed at or after this Unix second is stored; NULL: no backfill ended yet."
    )
    complete_through: Mapped[dt.datetime | None] = mapped_column(doc="Everything changed before this is stored.")
    brands: Mapped[list[int] | None] = mapped_column(
        ARRAY(BigInteger), doc="Live lane: the brands that are kept; NULL: all of them."
    )
    counts_notes: Mapped[bool | None] = mapped_column(
        doc="Live lane: whether the account's comment counts include private notes; NULL: not seen yet."
    )
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run that moved it last."
    )
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it moved last.")
