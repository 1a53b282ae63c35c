"""Tables of the Zendesk sync: lanes, waiting conversations, budgets, tokens, and the proof of completeness."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, PrimaryKeyConstraint, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import NOW, Base, identity, one_of

ACCOUNT_STATES = ("synced", "kept", "hidden", "cleared")


class DueConversation(Base):
    """A ticket whose comments are still to be fetched, in this version; the row goes in the fetch's transaction."""

    __tablename__ = "due_conversations"
    __table_args__ = (
        PrimaryKeyConstraint("source", "ticket_number"),
        CheckConstraint(f"transcript IS NULL OR {one_of('transcript', ('log', 'audits'))}", name="transcript"),
        Index("due_conversations_order_idx", "source", "priority", sql("version DESC"), "ticket_number"),
        Index("due_conversations_source_version_idx", "source", "version"),
    )
    source: Mapped[str] = mapped_column(doc="The ticket source.")
    ticket_number: Mapped[int] = mapped_column(doc="Zendesk's number of the ticket.")
    version: Mapped[int] = mapped_column(doc="The `generated_timestamp` that asked for it.")
    priority: Mapped[int] = mapped_column(
        SmallInteger, doc="0: just changed, 1: backfill, 2: read again, 3: a lone comment, which is the description."
    )
    transcript: Mapped[str | None] = mapped_column(doc="log or audits: where its messaging transcript is; NULL: none.")
    queued_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it was asked for first.")


class TicketMerge(Base):
    """Which ticket became part of which; known from the comments of the target, before or after the other arrives."""

    __tablename__ = "ticket_merges"
    __table_args__ = (PrimaryKeyConstraint("source", "loser"),)
    source: Mapped[str] = mapped_column(doc="The ticket source.")
    loser: Mapped[int] = mapped_column(doc="Zendesk's number of the ticket that was merged and closed.")
    target: Mapped[int] = mapped_column(doc="Zendesk's number of the ticket that goes on.")


class StagedComment(Base):
    """A comment read in bulk, kept until all of its ticket's comments are there."""

    __tablename__ = "staged_comments"
    __table_args__ = (PrimaryKeyConstraint("source", "ticket_number", "comment_id"),)
    source: Mapped[str] = mapped_column(doc="The ticket source.")
    ticket_number: Mapped[int] = mapped_column(doc="Zendesk's number of the ticket.")
    comment_id: Mapped[int] = mapped_column(doc="Zendesk's number of the comment.")
    content: Mapped[dict[str, Any]] = mapped_column(doc="Author, time, visibility and body, without addresses.")


class RateBudget(Base):
    """How fast one kind of call may go, for all workers together."""

    __tablename__ = "rate_budgets"
    __table_args__ = (
        PrimaryKeyConstraint("source", "name"),
        CheckConstraint(one_of("name", ("export", "account")), name="name"),
        CheckConstraint("per_minute > 0", name="per_minute"),
    )
    source: Mapped[str] = mapped_column(doc="The account.")
    name: Mapped[str] = mapped_column(doc="export: incremental exports; account: every call.")
    per_minute: Mapped[int] = mapped_column(Integer, doc="What Zendesk allows, as its headers told.")
    next_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When the next call may go.")
    not_before: Mapped[dt.datetime | None] = mapped_column(doc="No call before this: Zendesk said so.")
    calls: Mapped[int] = mapped_column(server_default=sql("0"), doc="Calls granted so far.")
    refusals: Mapped[int] = mapped_column(server_default=sql("0"), doc="Answers 429 so far.")
    minute_at: Mapped[dt.datetime | None] = mapped_column(doc="The minute of the last grant.")
    minute_calls: Mapped[int] = mapped_column(server_default=sql("0"), doc="Calls granted in that minute.")
    minute_before: Mapped[int] = mapped_column(server_default=sql("0"), doc="Calls granted in the minute before it.")


class AccessToken(Base):
    """The OAuth token that all workers share; it ends by itself after minutes or hours."""

    __tablename__ = "access_tokens"
    __table_args__ = (PrimaryKeyConstraint("source"),)
    source: Mapped[str] = mapped_column(doc="The account.")
    token: Mapped[str | None] = mapped_column(doc="The token, sealed with SECRET_KEY; NULL: none yet.")
    renew_at: Mapped[dt.datetime | None] = mapped_column(doc="At 80 % of its life it is renewed.")
    renewing_until: Mapped[dt.datetime | None] = mapped_column(doc="Somebody is fetching a new one until then.")
    renewing_run: Mapped[int | None] = mapped_column(doc="The run that fetches it; NULL: nobody, or no run.")
    renewing_lease: Mapped[int | None] = mapped_column(doc="That run's lease token: once it has another, nobody does.")
    generation: Mapped[int] = mapped_column(server_default=sql("0"), doc="Grows with every new token.")


class MirrorCheck(Base):
    """One comparison of the mirror with the account: the line that says how complete it is."""

    __tablename__ = "mirror_checks"
    __table_args__ = (Index("mirror_checks_source_id_idx", "source", sql("id DESC")),)
    id: Mapped[int] = identity()
    source: Mapped[str] = mapped_column(doc="The ticket source.")
    run_id: Mapped[int | None] = mapped_column(ForeignKey("job_runs.id", ondelete="SET NULL"), doc="Who compared.")
    at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it was compared.")
    complete_through: Mapped[dt.datetime | None] = mapped_column(doc="Everything changed before this was there.")
    expected: Mapped[int | None] = mapped_column(doc="Tickets the account says it has; NULL: it did not say.")
    stored: Mapped[int] = mapped_column(doc="Tickets the mirror has.")
    missing: Mapped[int] = mapped_column(doc="Tickets that the account has and the mirror lacked.")
    vanished: Mapped[int] = mapped_column(doc="Tickets that the mirror had and the account has no more.")
    waiting: Mapped[int] = mapped_column(doc="Conversations that were still to be fetched.")


class CustomerFact(Base):
    """A line of the uploaded customer list; it outranks what is mapped from fields."""

    __tablename__ = "customer_facts"
    __table_args__ = (PrimaryKeyConstraint("key"),)
    key: Mapped[str] = mapped_column(doc="Organization id or mail domain, in lower case.")
    facts: Mapped[dict[str, Any]] = mapped_column(doc="plan, revenue, currency, renewal_date and owner, as given.")
    uploaded_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When the list was uploaded.")


class WebhookCall(Base):
    """A call of the webhook that was taken; one that comes again within minutes is a replay."""

    __tablename__ = "webhook_calls"
    __table_args__ = (PrimaryKeyConstraint("key"), Index("webhook_calls_received_at_idx", "received_at"))
    key: Mapped[str] = mapped_column(doc="Its signature, and another row with Zendesk's id of the invocation.")
    received_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When it came; it is forgotten soon.")


class ZendeskAccount(Base):
    """An account whose tickets are here. One is synced; what becomes of the others is for somebody to say."""

    __tablename__ = "zendesk_accounts"
    __table_args__ = (PrimaryKeyConstraint("source"), CheckConstraint(one_of("state", ACCOUNT_STATES), name="state"))
    source: Mapped[str] = mapped_column(doc="The ticket source.")
    state: Mapped[str] = mapped_column(
        doc="synced; kept: its tickets count as they are; hidden: they are here but do not count; cleared: their words "
        "are gone."
    )
    decided_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="Since when.")
    decided_by: Mapped[str] = mapped_column(doc="By whom: a run or a person.")
    titles_read_at: Mapped[dt.datetime | None] = mapped_column(doc="When its fields' names were asked for.")


class ZendeskTitle(Base):
    """What an account calls a custom field or a status; tickets hold only its number."""

    __tablename__ = "zendesk_titles"
    __table_args__ = (
        PrimaryKeyConstraint("source", "kind", "number"),
        CheckConstraint(one_of("kind", ("field", "status")), name="kind"),
    )
    source: Mapped[str] = mapped_column(doc="The account.")
    kind: Mapped[str] = mapped_column(doc="field or status.")
    number: Mapped[int] = mapped_column(doc="Zendesk's number of it.")
    title: Mapped[str] = mapped_column(doc="What agents read.")
    type: Mapped[str | None] = mapped_column(doc="Zendesk's type of the field, or the status's category.")
    options: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"), doc="Names of a list's values.")
