"""Editing schedules: what the page and `miner schedules` call. Each edit is audited and holds from the next tick on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import InvalidArguments, NotFound, UsageError
from miner.models import Schedule, ScheduleTick
from miner.runs.cron import check_cron, check_timezone, fire_times
from miner.runs.jobs import get_job
from miner.runs.pausing import find_pause
from miner.runs.schedules import decide

_TIMING = ("cron", "timezone")
_EDITABLE = ("title", "job_name", "args", "cron", "timezone", "misfire_grace_seconds", "coalesce")


def get_schedule(session: Session, name: str) -> Schedule:
    """The schedule, locked against the tick until the caller commits; raises NotFound."""
    row = _find(session, name)
    if row is None:
        raise NotFound("schedule", name)
    return row


def set_schedule(
    session: Session, name: str, changes: Mapping[str, Any], *, by: Actor, version: int | None = None
) -> Schedule:
    """Change a schedule, or make it when it does not exist and `changes` names `job_name` and `cron`.

    `changes` may hold title, job_name, args, cron, timezone, misfire_grace_seconds (0..86400), coalesce. Raises
    InvalidArguments by field name, and UsageError when `version` is given and somebody else edited meanwhile.
    """
    require(by, Role.operator, "edit schedules")
    unknown = sorted(set(changes) - set(_EDITABLE))
    if unknown:
        raise InvalidArguments(dict.fromkeys(unknown, "no such field of a schedule"))
    row = _find(session, name)
    created = row is None
    if row is None:
        row = _new(name, changes)
    elif version is not None and version != row.version:
        raise UsageError(f"schedule {name} was changed by somebody else meanwhile: look at it again")
    before = None if created else _facts(row)
    timing = created or any(changes.get(field, getattr(row, field)) != getattr(row, field) for field in _TIMING)
    if timing and not created:
        _note_undecided(session, row, "Its times were edited before this one was decided")
    for field, value in _checked(row, changes).items():
        setattr(row, field, value)
    if created:
        session.add(row)
    else:
        row.version += 1
    if timing:
        _from_now_on(session, row)
    session.flush()
    audit(session, by, "schedule.create" if created else "schedule.edit", "schedule", name, before=before,
          after=_facts(row))  # fmt: skip
    return row


def pause_schedule(session: Session, name: str, note: str, *, by: Actor) -> Schedule:
    """Pause with a note of 1 to 500 characters; its fire times are noted as paused. Twice is the same as once."""
    require(by, Role.operator, "pause schedules")
    if not 1 <= len(note.strip()) <= 500:
        raise InvalidArguments({"note": "1 to 500 characters are needed, for those who wonder why nothing runs"})
    row = get_schedule(session, name)
    if row.paused_at is None:
        row.paused_at = session.scalar(select(func.clock_timestamp()))
        row.paused_by, row.pause_note = str(by), note.strip()
        audit(session, by, "schedule.pause", "schedule", name, after={"note": row.pause_note})
    session.flush()
    return row


def resume_schedule(session: Session, name: str, *, by: Actor) -> Schedule:
    """Let it start runs again, from now on: what fell into the pause is not made up for."""
    require(by, Role.operator, "resume schedules")
    row = get_schedule(session, name)
    if row.paused_at is not None:
        decide(session, row, _now(session), find_pause(session))  # what fell into the pause is noted as paused
        audit(session, by, "schedule.resume", "schedule", name, before={"note": row.pause_note})
        row.paused_at = row.paused_by = row.pause_note = None
    session.flush()
    return row


def _find(session: Session, name: str) -> Schedule | None:
    locked = select(Schedule).where(Schedule.id == name).with_for_update()
    return session.scalars(locked, execution_options={"populate_existing": True}).one_or_none()


def _new(name: str, changes: Mapping[str, Any]) -> Schedule:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name):
        raise InvalidArguments({"id": "small letters, digits and _ are allowed, 50 at most, a letter first"})
    missing = [field for field in ("job_name", "cron") if field not in changes]
    if missing:
        raise InvalidArguments(dict.fromkeys(missing, "a new schedule needs it"))
    return Schedule(id=name, title=name.replace("_", " ").capitalize(), args={}, timezone="UTC", overlap="skip",
                    misfire_grace_seconds=3600, coalesce=True, version=1)  # fmt: skip


def _checked(row: Schedule, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes, validated and in their stored form."""
    found = dict(changes)
    if "cron" in found:
        found["cron"] = check_cron(str(found["cron"]))
    if "timezone" in found:
        found["timezone"] = check_timezone(str(found["timezone"]))
    if "title" in found and not 1 <= len(str(found["title"]).strip()) <= 100:
        raise InvalidArguments({"title": "1 to 100 characters are needed"})
    grace = found.get("misfire_grace_seconds", 0)
    if not isinstance(grace, int) or isinstance(grace, bool) or not 0 <= grace <= 86_400:
        raise InvalidArguments({"misfire_grace_seconds": "a whole number from 0 to 86400 is needed"})
    if "job_name" in found or "args" in found:
        job = get_job(str(found.get("job_name", row.job_name)))
        if not job.startable:
            raise InvalidArguments({"job_name": f"{job.name} names a file of one machine and cannot be scheduled"})
        found["args"] = job.parse(found.get("args", row.args))
    return found


def _from_now_on(session: Session, row: Schedule) -> None:
    """An edited cron line must not start what would have been due before the edit."""
    now = _now(session)
    row.evaluated_until, row.updated_at = now, now
    row.next_fire_at = next(fire_times(row.cron, row.timezone, now))
    session.flush()


def _note_undecided(session: Session, row: Schedule, reason: str) -> None:
    now = _now(session)
    for time in fire_times(row.cron, row.timezone, max(row.evaluated_until, now - dt.timedelta(days=1))):
        if time > now:
            return
        session.merge(ScheduleTick(schedule_id=row.id, fire_at=time, outcome="skipped_misfire", detail=reason))


def _now(session: Session) -> dt.datetime:
    now: dt.datetime | None = session.scalar(select(func.clock_timestamp()))
    assert now is not None  # noqa: S101 - the database's clock is never NULL
    return now


def _facts(row: Schedule) -> dict[str, Any]:
    return {field: getattr(row, field) for field in _EDITABLE}
