"""The sample: 1,076 real reports about a desktop product, laid onto the last 90 days in their true order.

GitBugs, SeaMonkey (Patil 2025, arXiv 2504.09651), CC-BY-4.0; made by `scripts/make_sample.py`. The file keeps the true
dates. Five years become 90 days by one straight line, whose end (the anchor) is the moment of the first import; every
stored row tells that moment exactly, so a second import moves nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.models import Ticket
from miner.runs.keys import refuse_during_work
from miner.tickets.payload import TicketData

SOURCE = "sample"

# The first and last report of the file.
FIRST = dt.datetime(2020, 1, 2, 17, 14, 21, tzinfo=dt.UTC)
LAST = dt.datetime(2025, 2, 28, 14, 14, 11, tzinfo=dt.UTC)
SPAN = dt.timedelta(days=90)
TICKETS, CHARACTERS = 1_076, 745_433  # in the file, for the price of reading it
_MICROSECOND = dt.timedelta(microseconds=1)
_JUST_BEFORE = dt.timedelta(minutes=1)


def sample_path() -> Path:
    """The file that ships with the package."""
    return Path(__file__).with_name("data") / "seamonkey.ndjson.gz"


def mapped(original: dt.datetime, *, anchor: dt.datetime) -> dt.datetime:
    """Where `original` falls when FIRST..LAST is laid onto the SPAN that ends at `anchor`."""
    return anchor - _distance(original)


def anchor_of(original: dt.datetime, created_at: dt.datetime) -> dt.datetime:
    """The anchor by which `original` became `created_at`, to the microsecond."""
    return created_at + _distance(original)


def _distance(original: dt.datetime) -> dt.timedelta:
    # Whole microseconds, so that mapping and its inverse agree to the last digit.
    before = (LAST - original) // _MICROSECOND
    return before * (SPAN // _MICROSECOND) // ((LAST - FIRST) // _MICROSECOND) * _MICROSECOND


def placed(ticket: TicketData, *, anchor: dt.datetime) -> TicketData:
    """`ticket` with every date mapped and its original date kept."""
    return replace(
        ticket,
        created_at=mapped(ticket.created_at, anchor=anchor),
        updated_at=mapped(ticket.updated_at, anchor=anchor),
        original_created_at=ticket.created_at,
        comments=tuple(
            replace(comment, created_at=mapped(comment.created_at, anchor=anchor)) for comment in ticket.comments
        ),
    )


def find_anchor(session: Session) -> dt.datetime:
    """The anchor of the sample that is stored, else a minute ago."""
    row = session.execute(
        select(Ticket.original_created_at, Ticket.created_at)
        .where(Ticket.source == SOURCE, Ticket.original_created_at.is_not(None))
        .limit(1)
    ).first()
    if row is None:
        return session.scalars(select(func.now())).one() - _JUST_BEFORE
    return anchor_of(row.original_created_at, row.created_at)


def remove_sample(session: Session, *, by: Actor) -> int:
    """Delete the sample's tickets and all that was found in them; returns how many tickets.

    Themes are recounted; one that has no issue left is retired, with its days removed and an event that says why.
    Raises RunAlreadyActive while a run reads, syncs or groups.
    """
    require(by, Role.admin, "remove the sample")
    refuse_during_work(session, "analyze", "sync", "themes")
    themes = session.scalars(
        text("SELECT DISTINCT theme_id FROM issues JOIN tickets ON tickets.id = issues.ticket_id"
             " WHERE tickets.source = :source AND theme_id IS NOT NULL"),
        {"source": SOURCE},
    ).all()  # fmt: skip
    # In the order in which an analysis locks them, so that the two wait for each other instead of colliding.
    locked = select(Ticket.id).where(Ticket.source == SOURCE).order_by(Ticket.source_id).with_for_update()
    session.scalars(locked).all()
    removed = len(session.scalars(delete(Ticket).where(Ticket.source == SOURCE).returning(Ticket.id)).all())
    session.execute(text(_RECOUNT), {"themes": list(themes)})
    empty = session.scalars(text(_EMPTY), {"themes": list(themes)}).all()
    for statement in _RETIRE:
        session.execute(text(statement), {"empty": list(empty)})
    audit(session, by, "sample.remove", "source", SOURCE, before={"tickets": removed}, after={"themes": len(themes)})
    return removed


_RECOUNT = """
    UPDATE themes SET updated_at = now(), issue_count =
      (SELECT count(*) FROM issues WHERE theme_id = themes.id AND retired_at IS NULL AND quote_verified)
    WHERE id = ANY(:themes)"""
_EMPTY = """
    SELECT id FROM themes WHERE id = ANY(:themes) AND retired_at IS NULL
      AND NOT EXISTS (SELECT FROM issues WHERE theme_id = themes.id AND retired_at IS NULL)"""
_RETIRE = (
    """INSERT INTO theme_events (theme_id, kind, detail)
    SELECT id, 'retired', '{"reason": "the sample was removed"}' FROM themes WHERE id = ANY(:empty)""",
    "DELETE FROM theme_days WHERE theme_id = ANY(:empty)",
    "UPDATE themes SET retired_at = now() WHERE id = ANY(:empty)",
)
