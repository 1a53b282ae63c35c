"""Tickets whose text was not read yet, newest first, with all that an analyzer and the time of an issue need.

Those that a backlog holds back (`backlog.py`) wait for somebody's word and are left out unless `held` says otherwise.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, ColumnElement, all_, and_, func, literal, select
from sqlalchemy.orm import Session

from miner.issues.answer import Passage, TicketText
from miner.issues.held import is_held
from miner.models import ModelBatchRequest, Ticket, TicketComment
from miner.tickets.text import subject_end


@dataclass(frozen=True, slots=True)
class PendingTicket:
    """A ticket to be read: its text in the version `text_hash`, and when each passage of it was written."""

    text: TicketText
    text_hash: str
    created_at: dt.datetime
    written_at: tuple[dt.datetime, ...]

    @property
    def id(self) -> int:
        return self.text.id

    def time_of(self, place: tuple[int, int] | None) -> dt.datetime:
        """When the message that holds `place` was written; the subject, or no place, is as old as the ticket."""
        if place is not None:
            for passage, written_at in zip(self.text.passages, self.written_at, strict=True):
                if passage.start <= place[0] < passage.end:
                    return written_at
        return self.created_at


def is_pending(*, held: bool | None = False) -> ColumnElement[bool]:
    """`held`: without those that are held back, only those (True), or all that wait (None)."""
    # The condition of tickets_pending_idx, word for word.
    pending = Ticket.deleted_at.is_(None) & Ticket.analyzed_text_hash.is_distinct_from(Ticket.text_hash)
    return pending if held is None else and_(pending, is_held() if held else ~is_held())


def count_pending(session: Session, *, limit: int | None = None, held: bool | None = False) -> int:
    """How many tickets wait to be read, counted up to `limit`."""
    some = select(Ticket.id).where(is_pending(held=held)).limit(limit).subquery()
    return session.scalars(select(func.count()).select_from(some)).one()


def measure_pending(
    session: Session, *, limit: int | None = None, held: bool | None = False, unread: bool = False
) -> tuple[int, int]:
    """How many tickets wait, the newest `limit` of them, and how many characters they hold together.

    `unread`: only those that were never read, not those that are read again.
    """
    length = func.char_length(Ticket.text).label("length")
    some = select(length).where(is_pending(held=held))
    if unread:
        some = some.where(Ticket.analyzed_at.is_(None))
    if limit is not None:
        some = some.order_by(Ticket.created_at.desc(), Ticket.id.desc()).limit(limit)
    measured = some.subquery()
    row = session.execute(select(func.count(), func.coalesce(func.sum(measured.c.length), 0))).one()
    return row[0], int(row[1])


def count_again(session: Session, *, limit: int | None = None) -> int:
    """How many of the newest `limit` tickets that wait were read before and have another text now, or are read again
    since somebody said so."""
    some = select(Ticket.analyzed_at).where(is_pending())
    if limit is not None:
        some = some.order_by(Ticket.created_at.desc(), Ticket.id.desc()).limit(limit)
    waiting = some.subquery()
    query = select(func.count()).select_from(waiting).where(waiting.c.analyzed_at.is_not(None))
    return session.scalars(query).one()


def list_pending(
    session: Session, *, limit: int, held: bool | None = False, free: bool = False, without: Collection[int] = ()
) -> list[PendingTicket]:
    """The newest tickets that wait, at most `limit` and none of the ids `without`, in two statements.

    `free`: those in no request of a batch, nor with the same text as one in a request.
    """
    which = is_pending(held=held)
    if without:
        which &= Ticket.id != all_(literal(list(without), ARRAY(BigInteger)))
    if free:
        which &= Ticket.id.not_in(select(func.unnest(ModelBatchRequest.ticket_ids)))
        which &= Ticket.text_hash.not_in(select(func.unnest(ModelBatchRequest.text_hashes)))
    return _load(session, which, limit=limit)


def load_pending(session: Session, ids: Sequence[int]) -> dict[int, PendingTicket]:
    """Those of the tickets `ids` that were not read yet, held back or not, by id."""
    return {ticket.id: ticket for ticket in _load(session, is_pending(held=None) & Ticket.id.in_(ids))}


def list_by_id(session: Session, ticket_ids: Sequence[int]) -> list[PendingTicket]:
    """These tickets, read or not; those that are gone are left out."""
    return _load(session, Ticket.id.in_(ticket_ids) & Ticket.deleted_at.is_(None), limit=len(ticket_ids))


def _load(session: Session, which: ColumnElement[bool], *, limit: int | None = None) -> list[PendingTicket]:
    rows = session.execute(
        select(Ticket.id, Ticket.text, Ticket.subject, Ticket.text_hash, Ticket.created_at)
        .where(which)
        .order_by(Ticket.created_at.desc(), Ticket.id.desc())
        .limit(limit)
    ).all()
    messages: dict[int, list[tuple[Passage, dt.datetime]]] = {row.id: [] for row in rows}
    comments = session.execute(
        select(
            TicketComment.ticket_id,
            TicketComment.text_start,
            TicketComment.text_end,
            TicketComment.author_kind,
            TicketComment.created_at,
        )
        .where(TicketComment.ticket_id.in_(messages), TicketComment.text_start.is_not(None))
        .order_by(TicketComment.ticket_id, TicketComment.position)
    )
    for comment in comments:
        passage = Passage(comment.text_start or 0, comment.text_end or 0, comment.author_kind)
        messages[comment.ticket_id].append((passage, comment.created_at))
    return [
        PendingTicket(
            text=TicketText(
                id=row.id,
                text=row.text,
                subject_end=subject_end(row.subject, row.text),
                passages=tuple(passage for passage, _ in messages[row.id]),
            ),
            text_hash=row.text_hash,
            created_at=row.created_at,
            written_at=tuple(written_at for _, written_at in messages[row.id]),
        )
        for row in rows
    ]
