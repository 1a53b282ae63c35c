"""Tables of what was found: analyses, issues, embeddings."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, PrimaryKeyConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from miner.tables.base import ISSUE_TYPES, NOW, SEVERITIES, Base, created, identity, one_of


class Analysis(Base):
    """One reading of a ticket: by whom, of which version, with what result and at what cost."""

    __tablename__ = "analyses"
    __table_args__ = (
        CheckConstraint(one_of("analyzer", ("local", "claude")), name="analyzer"),
        CheckConstraint(one_of("outcome", ("issues", "no_issue", "skipped", "failed")), name="outcome"),
        CheckConstraint("(outcome = 'issues') = (issue_count > 0)", name="count_matches_outcome"),
        CheckConstraint("outcome = 'issues' OR reason IS NOT NULL", name="no_issue_has_reason"),
        Index("analyses_ticket_id_id_idx", "ticket_id", "id"),
        Index("analyses_run_id_idx", "run_id"),
        Index("analyses_identical_idx", "text_hash", "question", postgresql_where=sql("question IS NOT NULL")),
        Index("analyses_same_as_idx", "same_as", postgresql_where=sql("same_as IS NOT NULL")),
    )
    id: Mapped[int] = identity()
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), doc="The ticket read.")
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run that read it."
    )
    analyzer: Mapped[str] = mapped_column(doc="local or claude.")
    model: Mapped[str] = mapped_column(doc="Model id, or the version of the local rules.")
    settings_version: Mapped[int] = mapped_column(ForeignKey("settings.version"), doc="The settings it was read under.")
    text_hash: Mapped[str] = mapped_column(doc="The version of the text that was read.")
    question: Mapped[str | None] = mapped_column(
        doc="Hash of all but the text that decides the answer: model, instructions, schema; NULL: no model was asked."
    )
    same_as: Mapped[int | None] = mapped_column(
        ForeignKey("analyses.id", ondelete="SET NULL"), doc="The reading of an identical text whose answer this is."
    )
    outcome: Mapped[str] = mapped_column(doc="issues, no_issue, skipped or failed.")
    reason: Mapped[str | None] = mapped_column(doc="Why there is no issue, it was skipped, or it failed.")
    issue_count: Mapped[int] = mapped_column(Integer, server_default="0", doc="Issues found.")
    input_tokens: Mapped[int | None] = mapped_column(doc="Tokens sent; NULL: no model was asked.")
    output_tokens: Mapped[int | None] = mapped_column(doc="Tokens received; NULL: no model was asked.")
    cost_usd: Mapped[Decimal | None] = mapped_column(doc="Dollars; NULL: the price is unknown.")
    created_at: Mapped[dt.datetime] = created()


class Issue(Base):
    """One product problem found in a ticket, with the words that show it."""

    __tablename__ = "issues"
    __table_args__ = (
        CheckConstraint(one_of("type", ISSUE_TYPES), name="type"),
        CheckConstraint(one_of("severity", SEVERITIES), name="severity"),
        CheckConstraint("severity <> 'critical' OR severity_phrase IS NOT NULL", name="critical_has_evidence"),
        CheckConstraint("(quote_start IS NULL) = (quote_end IS NULL)", name="quote_range"),
        CheckConstraint(
            "NOT quote_verified OR (quote_start IS NOT NULL AND quote_end = quote_start + char_length(quote))",
            name="verified_quote_stands_somewhere",
        ),
        CheckConstraint("confidence IS NULL OR (confidence >= 0 AND confidence <= 1)", name="confidence"),
        CheckConstraint("(retired_at IS NULL) = (retired_reason IS NULL)", name="retired_pair"),
        Index("issues_ticket_id_idx", "ticket_id"),
        Index(
            "issues_theme_idx",
            "theme_id",
            sql("occurred_at DESC"),
            sql("id DESC"),
            postgresql_where=sql("retired_at IS NULL"),
        ),
        Index(
            "issues_words_idx",
            sql("to_tsvector('simple'::regconfig, summary || ' ' || quote)"),
            postgresql_using="gin",
            postgresql_where=sql("retired_at IS NULL"),
        ),
        Index("issues_live_idx", sql("occurred_at DESC"), sql("id DESC"), postgresql_where=sql("retired_at IS NULL")),
    )
    id: Mapped[int] = identity()
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), doc="Where it stands.")
    analysis_id: Mapped[int] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), doc="The newest reading that found it."
    )
    analyzer: Mapped[str] = mapped_column(doc="Who found it: local or claude.")
    type: Mapped[str] = mapped_column(doc="What kind of problem.")
    area: Mapped[str | None] = mapped_column(doc="Product area of the taxonomy; NULL: not recognised.")
    component: Mapped[str | None] = mapped_column(doc="Component within the area.")
    severity: Mapped[str] = mapped_column(doc="How bad.")
    severity_phrase: Mapped[str | None] = mapped_column(doc="The words that show it; NULL: assumed.")
    summary: Mapped[str] = mapped_column(doc="One sentence; what is embedded and grouped.")
    quote: Mapped[str] = mapped_column(doc="The customer's own words.")
    quote_start: Mapped[int | None] = mapped_column(Integer, doc="First code point of the quote in `tickets.text`.")
    quote_end: Mapped[int | None] = mapped_column(Integer, doc="One past its last code point there.")
    quote_verified: Mapped[bool] = mapped_column(doc="True: it stands word for word at those offsets.")
    text_hash: Mapped[str] = mapped_column(doc="The version of the ticket's text it was found in.")
    confidence: Mapped[float | None] = mapped_column(doc="0..1; NULL: the analyzer gives none.")
    facts: Mapped[dict[str, Any]] = mapped_column(
        server_default=sql("'{}'"),
        doc="What else the ticket says of it, by name: problem, platform, workaround and so on.",
    )
    edited: Mapped[dict[str, Any]] = mapped_column(
        server_default=sql("'{}'"), doc="Fields corrected by people; they win over every later reading."
    )
    theme_id: Mapped[int | None] = mapped_column(ForeignKey("themes.id"), doc="Its theme; NULL: not yet a theme.")
    theme_pinned: Mapped[bool] = mapped_column(server_default=sql("false"), doc="True: a person put it there.")
    occurred_at: Mapped[dt.datetime] = mapped_column(doc="When the customer wrote the message with the quote.")
    retired_at: Mapped[dt.datetime | None] = mapped_column(doc="When a later reading no longer found it.")
    retired_reason: Mapped[str | None] = mapped_column(doc="Why it no longer counts.")
    created_at: Mapped[dt.datetime] = created()
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW, doc="When a reading last touched it.")


class ModelCall(Base):
    """One answered call to a paid model, failed readings included: where the money went."""

    __tablename__ = "model_calls"
    __table_args__ = (
        CheckConstraint(
            one_of("outcome", ("ok", "cut", "refused", "too_long", "bad_request", "unusable", "lost")), name="outcome"
        ),
        Index("model_calls_run_id_idx", "run_id"),
        Index("model_calls_created_at_idx", "created_at"),
    )
    id: Mapped[int] = identity()
    run_id: Mapped[int | None] = mapped_column(ForeignKey("job_runs.id", ondelete="SET NULL"), doc="The run it served.")
    batch_id: Mapped[int | None] = mapped_column(
        ForeignKey("model_batches.id", ondelete="SET NULL"), doc="The batch it was made in, at half price; NULL: live."
    )
    model: Mapped[str] = mapped_column(doc="The model that answered, else the one that was asked.")
    request_id: Mapped[str | None] = mapped_column(doc="The provider's id of the call; NULL: there was no answer.")
    prompt_version: Mapped[str] = mapped_column(doc="The version of the instructions.")
    outcome: Mapped[str] = mapped_column(doc="ok, cut, refused, too_long, bad_request, unusable, or lost: no answer.")
    tickets: Mapped[int] = mapped_column(Integer, doc="Tickets in it.")
    input_tokens: Mapped[int | None] = mapped_column(doc="Prompt tokens, cached ones included; NULL: not known.")
    cache_write_tokens: Mapped[int | None] = mapped_column(doc="Of these, written to the cache.")
    cache_read_tokens: Mapped[int | None] = mapped_column(doc="Of these, read from the cache.")
    output_tokens: Mapped[int | None] = mapped_column(doc="Tokens received; NULL: not known.")
    cost_usd: Mapped[Decimal | None] = mapped_column(doc="Dollars; NULL: the price or the usage is unknown.")
    created_at: Mapped[dt.datetime] = created()


class Embedding(Base):
    """The vector of a text, computed once for each model."""

    __tablename__ = "embeddings"
    __table_args__ = (PrimaryKeyConstraint("model", "text_hash"),)
    model: Mapped[str] = mapped_column(doc="Model id.")
    text_hash: Mapped[str] = mapped_column(doc="SHA-256 of the embedded text in hex.")
    vector: Mapped[bytes] = mapped_column(doc="Unit vector as little-endian float16.")
    created_at: Mapped[dt.datetime] = created()
