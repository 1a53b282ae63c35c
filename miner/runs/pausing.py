"""Stopping everything, on every machine, until somebody says otherwise: a row that claims and ticks look at.

While the switch is on no run is claimed, schedules note why they did not start, and running runs leave at their next
unit (at the latest after RELEASE_SECONDS, by raising their token, so that a blocked outside call counts for nothing).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import InvalidArguments
from miner.models import Switch

PAUSED = "paused"


@dataclass(frozen=True)
class Pause:
    """Since when, by whom and why everything stands still."""

    reason: str
    set_by: str
    set_at: dt.datetime


def find_pause(session: Session) -> Pause | None:
    """The pause in force, if any."""
    row = session.scalars(select(Switch).where(Switch.name == PAUSED)).one_or_none()
    return Pause(row.reason, row.set_by, row.set_at) if row else None


def pause_all(session: Session, reason: str, *, by: Actor) -> Pause:
    """Stop everything; a pause that is in force stays as it is and is returned."""
    require(by, Role.operator, "pause everything")
    if not 1 <= len(reason.strip()) <= 500:
        raise InvalidArguments({"reason": "1 to 500 characters are needed, for those who find everything stopped"})
    inserted = session.execute(
        text("""
            INSERT INTO switches (name, reason, set_by) VALUES (:name, :reason, :by)
            ON CONFLICT (name) DO NOTHING RETURNING name"""),
        {"name": PAUSED, "reason": reason.strip(), "by": str(by)},
    ).one_or_none()
    if inserted:
        audit(session, by, "everything.pause", "switch", PAUSED, after={"reason": reason.strip()})
    found = find_pause(session)
    assert found is not None  # noqa: S101 - inserted above or there already
    return found
