"""Storing a batch of tickets: four statements for any number of them, and nothing is touched that did not change.

Each batch goes to Postgres as one JSON document that the server unrolls, so the cost is the text, not the statements.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import (
    JSON,
    Boolean,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    null,
    select,
    text,
    tuple_,
)
from sqlalchemy import literal_column as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TableValuedAlias

from miner.models import Base
from miner.tickets.payload import CommentData, TicketData
from miner.tickets.people import store_people

_TICKETS, _COMMENTS, _CUSTOMERS = (Base.metadata.tables[name] for name in ("tickets", "ticket_comments", "customers"))
_TICKET_COLUMNS = (
    "zendesk_ticket_id", "url", "subject", "status", "priority", "requester", "tags", "text", "text_hash", "text_rules",
    "created_at", "updated_at", "original_created_at", "generated_timestamp", "raw",
    "comment_count",
)  # fmt: skip
_COMMENT_COLUMNS = ("source_id", "author_kind", "author", "public", "body", "created_at", "text_start", "text_end")


@dataclass(frozen=True, slots=True)
class Stored:
    """How many tickets of a batch were new and how many had changed; the others were as they are."""

    new: int
    changed: int


def store_tickets(session: Session, tickets: Sequence[TicketData], *, source: str) -> Stored:
    """Insert or update `tickets` by (source, source_id), each id at most once, with their comments and customers.

    A changed text leaves `analyzed_text_hash` behind, which makes the ticket pending. The caller commits.
    """
    if not tickets:
        return Stored(0, 0)
    ordered = sorted(tickets, key=lambda ticket: ticket.source_id)  # one order of locks for all writers
    store_customers(session, ordered, source)
    store_people(session, {key: name for ticket in ordered for key, name in ticket.people.items()}, source)
    touched = store_rows(session, ordered, source)
    store_comments(session, ordered, source)
    if touched.new < len(ordered):
        drop_surplus_comments(session, ordered, source)
    return touched


def store_customers(session: Session, tickets: Sequence[TicketData], source: str) -> None:
    """Insert or update the customers of `tickets`; a name or fields that are not told stay as they are."""
    customers = {(one.kind, one.key): one for ticket in tickets if (one := ticket.customer)}
    if not customers:
        return
    rows = [
        {"source": source, "kind": one.kind, "external_key": one.key, "name": one.name, "fields": one.fields}
        for _, one in sorted(customers.items())
    ]
    given = _unrolled(_CUSTOMERS, ("source", "kind", "external_key", "name", "fields"))
    told = [given.c[name] for name in ("source", "kind", "external_key", "name")]
    statement = insert(_CUSTOMERS).from_select(
        [*given.c.keys()], select(*told, func.coalesce(given.c.fields, sql("'{}'::jsonb")))
    )
    after: dict[str, Any] = {
        "name": func.coalesce(statement.excluded.name, _CUSTOMERS.c.name),
        "fields": func.coalesce(func.nullif(statement.excluded.fields, sql("'{}'::jsonb")), _CUSTOMERS.c.fields),
    }
    statement = statement.on_conflict_do_update(
        index_elements=["source", "kind", "external_key"],
        set_=after,
        where=tuple_(*(_CUSTOMERS.c[name] for name in after)).is_distinct_from(tuple_(*after.values())),
    )
    session.execute(statement, {"rows": _dump(rows)})


def store_rows(
    session: Session, tickets: Sequence[TicketData], source: str, *, keep_text: bool = False, back: bool = False
) -> Stored:
    """The rows of `tickets`; `keep_text` leaves a present text alone, `back` brings a ticket back that had left."""
    rows = [
        {name: getattr(ticket, name) for name in ("source_id", *_TICKET_COLUMNS)}
        | ({"customer_kind": ticket.customer.kind, "customer_key": ticket.customer.key} if ticket.customer else {})
        for ticket in tickets
    ]
    given = _unrolled(
        _TICKETS, ("source_id", *_TICKET_COLUMNS), column("customer_kind", Text), column("customer_key", Text)
    )
    customer = and_(
        _CUSTOMERS.c.source == source,
        _CUSTOMERS.c.kind == given.c.customer_kind,
        _CUSTOMERS.c.external_key == given.c.customer_key,
    )
    statement = insert(_TICKETS).from_select(
        ["source", "customer_id", "source_id", *_TICKET_COLUMNS],
        select(literal(source), _CUSTOMERS.c.id, *(given.c[name] for name in ("source_id", *_TICKET_COLUMNS)))
        .select_from(given.outerjoin(_CUSTOMERS, customer))
        .order_by(given.c.source_id),
    )
    after: dict[str, Any] = {name: statement.excluded[name] for name in ("customer_id", *_TICKET_COLUMNS)}
    # Only exports tell these; a file without them must not blank them.
    for name in ("generated_timestamp", "comment_count"):
        after[name] = func.coalesce(after[name], _TICKETS.c[name])
    if keep_text:
        del after["text"], after["text_hash"], after["text_rules"]
    if back:
        after |= {"deleted_at": null(), "gone_reason": null()}
    statement = statement.on_conflict_do_update(
        index_elements=["source", "source_id"],
        set_=after,
        where=tuple_(*(_TICKETS.c[name] for name in after)).is_distinct_from(tuple_(*after.values())),
    )
    # A row that this statement inserted has no deleting transaction; one that it updated had its old version ended.
    inserted = cast(sql("tickets.xmax = 0"), Boolean)
    touched = session.scalars(statement.returning(inserted), {"rows": _dump(rows)}).all()
    new = sum(touched)
    return Stored(new, len(touched) - new)


class Conversing(Protocol):
    """What has a conversation to be stored."""

    @property
    def source_id(self) -> str: ...

    @property
    def comments(self) -> tuple[CommentData, ...]: ...


def store_comments(session: Session, tickets: Sequence[Conversing], source: str) -> None:
    """The conversations of `tickets`, whose rows are there."""
    rows = [
        {
            "ticket": ticket.source_id,
            "position": one.position,
            "source_id": one.source_id,
            "author_kind": one.author_kind,
            "author": one.author,
            "public": one.public,
            "body": one.body,
            "created_at": one.created_at,
            "text_start": one.start,
            "text_end": one.end,
        }
        for ticket in tickets
        for one in ticket.comments
    ]
    given = _unrolled(_COMMENTS, ("position", *_COMMENT_COLUMNS), column("ticket", Text))
    owner = and_(_TICKETS.c.source == source, _TICKETS.c.source_id == given.c.ticket)
    statement = insert(_COMMENTS).from_select(
        ["ticket_id", "position", *_COMMENT_COLUMNS],
        select(_TICKETS.c.id, given.c.position, *(given.c[name] for name in _COMMENT_COLUMNS)).select_from(
            given.join(_TICKETS, owner)
        ),
    )
    after = {name: statement.excluded[name] for name in _COMMENT_COLUMNS}
    statement = statement.on_conflict_do_update(
        index_elements=["ticket_id", "position"],
        set_=after,
        where=tuple_(*(_COMMENTS.c[name] for name in after)).is_distinct_from(tuple_(*after.values())),
    )
    session.execute(statement, {"rows": _dump(rows)})


def drop_surplus_comments(session: Session, tickets: Sequence[Conversing], source: str) -> None:
    """Remove what a shortened conversation left behind."""
    session.execute(
        text(
            "DELETE FROM ticket_comments USING tickets,"
            " unnest(CAST(:ids AS text[]), CAST(:counts AS int[])) AS given (source_id, count)"
            " WHERE tickets.source = :source AND tickets.source_id = given.source_id"
            " AND ticket_comments.ticket_id = tickets.id AND ticket_comments.position >= given.count"
        ),
        {
            "source": source,
            "ids": [ticket.source_id for ticket in tickets],
            "counts": [len(ticket.comments) for ticket in tickets],
        },
    )


def _unrolled(of: Table, names: Sequence[str], *more: Any) -> TableValuedAlias:
    """The rows of the parameter `rows`, a JSON list, typed as the columns of that table."""
    columns = [column(name, of.c[name].type) for name in names]
    rows = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    return rows.table_valued(*columns, *more).render_derived(name="given", with_types=True)


def _dump(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(rows, default=dt.datetime.isoformat, ensure_ascii=False, allow_nan=False)
