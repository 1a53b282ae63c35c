"""Backlogs: what Claude does not read before somebody has said so.

    rule       a reading of a source that was never read, and one that may cost much, takes the newest 200 tickets
    question   a row in `backlogs` with its edge, its size and its price, until it is answered
    answer     "read" lets the rest go, "leave" keeps it unread; both can be changed later

A reading is large when its high estimate is above `ask_above_usd` and above twice the most that was ever agreed to, so
that days of the usual size never ask. Nothing here costs money: the row is written before the first call is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import func, or_, select, text, tuple_
from sqlalchemy.orm import Session

from miner.access import SYSTEM, Actor, Role, audit, require
from miner.errors import InvalidArguments, NotFound
from miner.issues.batching import takes_batches
from miner.issues.knowledge import measure_prompt
from miner.issues.outlook import Outlook, look_ahead
from miner.issues.pending import is_pending, measure_pending
from miner.models import BACKLOG_ANSWERS, Backlog, JobRun, Ticket
from miner.settings import Settings, load

FIRST_LOOK = 200  # tickets that are read in any case
MANY = 2_000  # tickets that are many where the price is unknown
BY_SETTING = "the setting backlog"
_NEVER_READ = is_pending() & Ticket.analyzed_at.is_(None)


def prepare_reading(
    session: Session, *, run_id: int, settings: Settings, model: str, limit: int | None
) -> tuple[Outlook, Backlog | None]:
    """What a run reads that may read `limit` tickets, and the backlog it holds back now, if any. Caller commits."""
    if settings.backlog == "read":
        _release(session)
    ahead = find_outlook(session, settings=settings, model=model, limit=limit)
    held = None
    if settings.backlog != "read" and ahead.tickets > FIRST_LOOK:
        never_read = find_outlook(session, settings=settings, model=model, limit=limit, unread=True)
        if never_read.tickets > FIRST_LOOK:  # only what was never read can be held back
            held = _hold_back(session, never_read, run_id=run_id, settings=settings)
    _count_again(session, settings=settings, model=model)
    if held is not None:
        ahead = find_outlook(session, settings=settings, model=model, limit=limit)
    return ahead, held


def find_outlook(
    session: Session,
    *,
    settings: Settings,
    model: str,
    limit: int | None = None,
    held: bool | None = False,
    unread: bool = False,
) -> Outlook:
    """What reading the tickets that wait takes; `held` as in `is_pending`, `unread`: of those never read."""
    return _outlook(session, measure_pending(session, limit=limit, held=held, unread=unread), settings, model)


def answer_backlog(session: Session, backlog_id: int, answer: str, *, by: Actor) -> Backlog:
    """Say "read" or "leave"; raises NotFound, InvalidArguments, Refused. An answer can be changed; caller commits."""
    require(by, Role.operator, "say what becomes of a backlog")
    if answer not in BACKLOG_ANSWERS:
        raise InvalidArguments({"answer": f"choose one of {', '.join(BACKLOG_ANSWERS)}"})
    backlog = session.get(Backlog, backlog_id, with_for_update=True)
    if backlog is None:
        raise NotFound("backlog", backlog_id)
    _answer(session, backlog, answer, by=by, name=str(by))
    return backlog


def list_backlogs(session: Session, *, run_id: int | None = None, limit: int = 20) -> list[Backlog]:
    """Backlogs that hold tickets back, the newest first: open questions whose run is over, and what was left."""
    query = (
        select(Backlog)
        .outerjoin(JobRun, JobRun.id == Backlog.run_id)
        .where(Backlog.answer.is_distinct_from("read"), Backlog.tickets > 0)
        .where(or_(Backlog.answer.is_not(None), Backlog.run_id.is_(None), JobRun.finished_at.is_not(None)))
        .order_by(Backlog.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query if run_id is None else query.where(Backlog.run_id == run_id)))


def outlook_of(backlog: Backlog) -> Outlook:
    """What reading the backlog takes, as it was last counted."""
    return Outlook(
        backlog.tickets, backlog.model, backlog.low_usd, backlog.high_usd, backlog.low_seconds, backlog.high_seconds
    )


def is_large(ahead: Outlook, *, above: Decimal, agreed: Decimal | None, agreed_tickets: int) -> bool:
    """Whether a later reading asks first; `agreed` is the most that was said "read" to, if anything (pure)."""
    if ahead.high is None:
        return ahead.tickets > max(MANY, 2 * agreed_tickets)
    return ahead.high > max(above, 2 * (agreed or 0))


def _hold_back(session: Session, ahead: Outlook, *, run_id: int, settings: Settings) -> Backlog | None:
    """Hold back what is older than the newest tickets if the rule asks for it."""
    sources, reason = _new_sources(session), "first"
    if not sources:
        most, tickets = session.execute(
            select(func.max(Backlog.high_usd), func.coalesce(func.max(Backlog.tickets), 0)).where(
                Backlog.answer == "read"
            )
        ).one()
        above = Decimal(str(settings.ask_above_usd))
        if not is_large(ahead, above=above, agreed=most, agreed_tickets=tickets):
            return None
        sources, reason = session.scalars(select(Ticket.source).where(_NEVER_READ).distinct()).all(), "large"
    edge = session.execute(
        select(Ticket.created_at, Ticket.id)
        .where(_NEVER_READ)
        .order_by(Ticket.created_at.desc(), Ticket.id.desc())
        .offset(FIRST_LOOK - 1)
        .limit(1)
    ).one()
    backlog = Backlog(
        run_id=run_id,
        reason=reason,
        sources=sorted(sources),
        edge_at=edge.created_at,
        edge_id=edge.id,
        model=ahead.model,
        tickets=0,
        low_seconds=0,
        high_seconds=0,
    )
    session.add(backlog)
    session.flush()
    audit(session, SYSTEM, "backlog.ask", "backlog", backlog.id, after={"run": run_id, "reason": reason})
    if settings.backlog == "leave":
        _answer(session, backlog, "leave", by=SYSTEM, name=BY_SETTING)
    return backlog


def _new_sources(session: Session) -> Sequence[str]:
    """Sources with waiting tickets of which Claude has read less than a first look and nobody was asked."""
    waiting = select(Ticket.source).where(_NEVER_READ).distinct().subquery()
    return session.scalars(
        text("""
            SELECT source FROM unnest(CAST(:sources AS text[])) AS given (source)
            WHERE NOT EXISTS (SELECT FROM backlogs WHERE given.source = ANY(backlogs.sources))
              AND (SELECT count(*) FROM (
                SELECT FROM analyses JOIN tickets ON tickets.id = analyses.ticket_id
                WHERE analyses.analyzer = 'claude' AND tickets.source = given.source LIMIT :enough
              ) AS read) < :enough"""),
        {"sources": list(session.scalars(select(waiting.c.source))), "enough": FIRST_LOOK},
    ).all()


def _release(session: Session) -> None:
    """The setting says "read": what it left before, and what nobody has answered, goes."""
    open_ones = select(Backlog).where(or_(Backlog.answer.is_(None), Backlog.answered_by == BY_SETTING))
    for backlog in session.scalars(open_ones.where(Backlog.answer.is_distinct_from("read"))):
        _answer(session, backlog, "read", by=SYSTEM, name=BY_SETTING)


def _answer(session: Session, backlog: Backlog, answer: str, *, by: Actor, name: str) -> None:
    before = {"answer": backlog.answer, "by": backlog.answered_by}
    backlog.answer, backlog.answered_by, backlog.answered_at = answer, name, func.now()
    session.flush()
    session.refresh(backlog)
    price = {"low_usd": _plain(backlog.low_usd), "high_usd": _plain(backlog.high_usd), "tickets": backlog.tickets}
    audit(session, by, "backlog.answer", "backlog", backlog.id, before=before, after={"answer": answer, **price})


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _count_again(session: Session, *, settings: Settings, model: str) -> None:
    """Every backlog in force says how many tickets it holds back today, and what they cost with today's model."""
    for backlog in session.scalars(select(Backlog).where(Backlog.answer.is_distinct_from("read"))):
        older = tuple_(Ticket.created_at, Ticket.id) < tuple_(backlog.edge_at, backlog.edge_id)
        count, characters = session.execute(
            select(func.count(), func.coalesce(func.sum(func.char_length(Ticket.text)), 0)).where(
                is_pending(held=None), Ticket.analyzed_at.is_(None), Ticket.source.in_(backlog.sources), older
            )
        ).one()
        ahead = _outlook(session, (count, int(characters)), settings, model)
        backlog.tickets, backlog.model, backlog.low_usd, backlog.high_usd = count, model, ahead.low, ahead.high
        backlog.low_seconds, backlog.high_seconds = ahead.low_seconds, ahead.high_seconds
        backlog.counted_at = func.now()
    session.flush()


def _outlook(session: Session, measured: tuple[int, int], settings: Settings, model: str) -> Outlook:
    tickets, characters = measured
    version, _ = load(session)
    size = measure_prompt(session, settings, version=version)
    batch = takes_batches(settings.reading, settings.batch_above, tickets)
    return look_ahead(
        tickets,
        characters + tickets * size.a_ticket,
        prefix=size.prefix,
        per_call=settings.tickets_in_call(batch=batch),
        at_once=settings.calls_at_once,
        model=model,
        batch=batch,
    )
