"""Which pending tickets wait for somebody's word, as a condition that every query of pending tickets shares."""

from __future__ import annotations

from sqlalchemy import ColumnElement, any_, exists, tuple_

from miner.models import Backlog, Ticket


def is_held() -> ColumnElement[bool]:
    """The ticket was never read, and a backlog that nobody said "read" to holds it back."""
    older = tuple_(Ticket.created_at, Ticket.id) < tuple_(Backlog.edge_at, Backlog.edge_id)
    mine = Ticket.source == any_(Backlog.sources)
    waits = Backlog.answer.is_distinct_from("read")
    return Ticket.analyzed_at.is_(None) & exists().where(waits, mine, older).correlate(Ticket)
