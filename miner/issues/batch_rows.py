"""The rows of batches and of the requests in them. Functions are handed a session and never commit.

An open batch belongs to the run that holds the key `analyze`, whichever run sent it: nobody else touches these rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from miner.issues.answer import TicketText
from miner.issues.batching import (
    GIVE_UP_SECONDS,
    POLL_SECONDS,
    articles_from_json,
    articles_to_json,
    spent_from_json,
    spent_to_json,
)
from miner.issues.judge import Task
from miner.issues.pending import PendingTicket, load_pending
from miner.models import ModelBatch, ModelBatchRequest
from miner.tables.batches import OPEN


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is stored. `task` has the tickets with the texts that were sent; where a text is another one
    now, or the ticket was read or is gone, it stands empty and `kept` is False at its place."""

    id: int
    seq: int | None
    tries: int
    task: Task
    kept: tuple[bool, ...]


def adopt_open(session: Session, run_id: int, *, cancel: bool) -> None:
    """All open batches are looked after by this run from here on.

    `cancel`: those whose run was cancelled are to be cancelled at Claude too; a run that reads wants their tickets.
    """
    session.execute(
        text(f"""
            UPDATE model_batches AS batch SET run_id = :run, cancel = batch.cancel OR (:cancel AND coalesce(
                (SELECT state = 'cancelled' FROM job_runs WHERE id = batch.run_id), false))
            WHERE {OPEN} AND run_id IS DISTINCT FROM :run"""),  # noqa: S608 - a constant
        {"run": run_id, "cancel": cancel},
    )


def list_open(session: Session, *, due: bool = False) -> Sequence[ModelBatch]:
    """The batches whose results are not stored yet, the oldest first; detached. `due`: to be asked for now."""
    which = select(ModelBatch).where(text(OPEN)).order_by(ModelBatch.id)
    if due:
        which = which.where(func.coalesce(ModelBatch.next_look_at, func.now()) <= func.clock_timestamp())
    found = session.scalars(which).all()
    session.expunge_all()
    return found


def has_open(session: Session) -> bool:
    return session.scalar(select(ModelBatch.id).where(text(OPEN)).limit(1)) is not None


def list_known_ids(session: Session) -> set[str]:
    """The ids at Claude of all our batches that are known for certain."""
    return set(session.scalars(select(ModelBatch.provider_id).where(ModelBatch.provider_id.is_not(None))))


def open_bound(session: Session) -> Decimal:
    """The most that the open batches can cost, of those whose price is known."""
    return session.scalar(select(func.coalesce(func.sum(ModelBatch.bound_usd), 0)).where(text(OPEN))) or Decimal(0)


def seconds_until_next_look(session: Session) -> float:
    """Until the first open batch is due, by the database's clock; 0: one is due now."""
    seconds = session.scalar(
        text(f"""
            SELECT extract(epoch FROM min(coalesce(next_look_at, clock_timestamp())) - clock_timestamp())
            FROM model_batches WHERE {OPEN}""")  # noqa: S608 - a constant
    )
    return max(0.0, float(seconds or 0))


def mark_submitted(session: Session, batch_id: int, **columns: Any) -> None:
    """Claude has it, for certain (`provider_id`) or as it seems (`candidates`)."""
    change_batch(session, batch_id, look_in=POLL_SECONDS, state="submitted", submitted_at=func.now(), **columns)


def mark_cancelled(session: Session, batch_id: int, *, look_in: float) -> None:
    """Claude was asked to cancel it."""
    change_batch(session, batch_id, look_in=look_in, cancel_sent_at=func.now())


def mark_deleted(session: Session, batch_id: int) -> None:
    """It is not at Claude any more."""
    change_batch(session, batch_id, deleted_at=func.now())


def is_overdue(session: Session, batch_id: int) -> bool:
    """Whether a batch should have ended long ago."""
    late = ModelBatch.submitted_at < func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, GIVE_UP_SECONDS)
    return bool(session.scalar(select(late).where(ModelBatch.id == batch_id)))


def take_back(session: Session, batch_id: int, detail: str) -> None:
    """The batch is not at Claude: its requests wait for the next round as if it had never been."""
    session.execute(
        update(ModelBatchRequest).where(ModelBatchRequest.batch_id == batch_id).values(batch_id=None, seq=None)
    )
    close(session, batch_id, "given_up", detail=detail)


def count_tickets(session: Session) -> int:
    """Tickets in requests whose result is not stored."""
    which = select(func.sum(func.cardinality(ModelBatchRequest.ticket_ids))).where(ModelBatchRequest.outcome.is_(None))
    return int(session.scalar(which) or 0)


def create_batch(session: Session, tasks: Sequence[tuple[Task, int]], hashes: Mapping[int, str], **columns: Any) -> int:
    """Write a batch that is about to be sent, with a request for each (task, times it was sent before)."""
    batch_id = session.scalars(
        insert(ModelBatch).values(state="submitting", requests=len(tasks), **columns).returning(ModelBatch.id)
    ).one()
    rows = [{**_columns(task, hashes), "tries": tries} for task, tries in tasks]
    session.execute(
        insert(ModelBatchRequest), [{**row, "batch_id": batch_id, "seq": seq} for seq, row in enumerate(rows)]
    )
    return batch_id


def change_batch(session: Session, batch_id: int, *, look_in: float | None = None, **columns: Any) -> None:
    """Set columns of a batch; `look_in`: it is asked for again in so many seconds."""
    if look_in is not None:
        columns["next_look_at"] = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, look_in)
    session.execute(update(ModelBatch).where(ModelBatch.id == batch_id).values(**columns))


def queue(session: Session, tasks: Sequence[tuple[Task, int]], hashes: Mapping[int, str]) -> None:
    """Let (task, times it was sent in vain) wait for the next round."""
    if tasks:
        session.execute(
            insert(ModelBatchRequest), [{**_columns(task, hashes), "tries": tries} for task, tries in tasks]
        )


def list_queued(session: Session) -> tuple[list[Request], dict[int, PendingTicket]]:
    """The requests that wait for the next round, and their tickets that still wait to be read."""
    return _load(session, ModelBatchRequest.batch_id.is_(None))


def drop_queued(session: Session, ids: Collection[int]) -> None:
    """These requests are in a batch now, or their tickets are read."""
    session.execute(
        delete(ModelBatchRequest).where(ModelBatchRequest.id.in_(ids), ModelBatchRequest.batch_id.is_(None))
    )


def list_unanswered(
    session: Session, batch_id: int, seqs: Collection[int] | None = None
) -> tuple[list[Request], dict[int, PendingTicket]]:
    """The requests of a batch (or those numbers of it) whose result is not stored, and their tickets that wait."""
    which = (ModelBatchRequest.batch_id == batch_id) & ModelBatchRequest.outcome.is_(None)
    return _load(session, which if seqs is None else which & ModelBatchRequest.seq.in_(seqs))


def count_unanswered(session: Session, batch_id: int) -> int:
    return (
        session.scalar(
            select(func.count()).where(ModelBatchRequest.batch_id == batch_id, ModelBatchRequest.outcome.is_(None))
        )
        or 0
    )


def mark_outcomes(session: Session, outcomes: Mapping[int, str]) -> None:
    """Note what became of requests, by row id."""
    for outcome in set(outcomes.values()):
        ids = [row_id for row_id, value in outcomes.items() if value == outcome]
        session.execute(update(ModelBatchRequest).where(ModelBatchRequest.id.in_(ids)).values(outcome=outcome))


def close(session: Session, batch_id: int, state: str, *, detail: str | None = None) -> None:
    """The batch is over: ingested or given_up. Its requests are not needed any more."""
    session.execute(delete(ModelBatchRequest).where(ModelBatchRequest.batch_id == batch_id))
    ingested_at = func.now() if state == "ingested" else None
    change_batch(
        session, batch_id, state=state, detail=detail, next_look_at=None, candidates=[], ingested_at=ingested_at
    )


def list_undeleted(session: Session, *, limit: int = 20) -> list[tuple[int, str]]:
    """(id, id at Claude) of ingested batches whose results may still be kept there."""
    rows = session.execute(
        select(ModelBatch.id, ModelBatch.provider_id)
        .where(
            ModelBatch.state == "ingested",
            ModelBatch.deleted_at.is_(None),
            ModelBatch.provider_id.is_not(None),
            ModelBatch.created_at > func.now() - text("interval '30 days'"),
        )
        .order_by(ModelBatch.id)
        .limit(limit)
    )
    return [(row.id, str(row.provider_id)) for row in rows]


def _columns(task: Task, hashes: Mapping[int, str]) -> dict[str, Any]:
    ids = [ticket.id for ticket in task.tickets]
    return {
        "ticket_ids": ids,
        "text_hashes": [hashes[ticket_id] for ticket_id in ids],
        "calls": task.calls,
        "wide": task.wide,
        "second": task.second,
        "spent": spent_to_json(task.spent),
        "articles": articles_to_json(task),
    }


def _load(session: Session, which: Any) -> tuple[list[Request], dict[int, PendingTicket]]:
    rows = session.scalars(select(ModelBatchRequest).where(which).order_by(ModelBatchRequest.id)).all()
    wanted = {key: value for row in rows for key, value in zip(row.ticket_ids, row.text_hashes, strict=True)}
    found = load_pending(session, list(wanted)) if wanted else {}
    tickets = {key: ticket for key, ticket in found.items() if ticket.text_hash == wanted[key]}
    requests = []
    for row in rows:
        for place, key in enumerate(row.ticket_ids):
            if key in tickets:
                shown = articles_from_json(row.articles, place)
                tickets[key] = replace(tickets[key], text=replace(tickets[key].text, articles=shown))
        texts = tuple(tickets[key].text if key in tickets else TicketText(key, "") for key in row.ticket_ids)
        task = Task(texts, row.calls, row.wide, spent_from_json(row.spent), row.second)
        requests.append(Request(row.id, row.seq, row.tries, task, tuple(key in tickets for key in row.ticket_ids)))
    return requests, tickets
