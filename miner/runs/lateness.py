"""Whether a job that a schedule starts is long overdue: since when it was not done, and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from miner.models import ACTIVE_STATES
from miner.runs.cron import next_fire_times
from miner.runs.pausing import find_pause

GRACE = dt.timedelta(hours=1)  # how long the second run may take before its absence is news


@dataclass(frozen=True)
class Lateness:
    """`since`: when the job was last done; `why` is a sentence; `run_id` is the run that tells more (None: none)."""

    since: dt.datetime
    why: str
    run_id: int | None


def is_late(since: dt.datetime, *, cron: str, timezone: str, now: dt.datetime) -> bool:
    """Whether two times of the schedule have passed since the job was last done, and the second had time to end."""
    return now > next_fire_times(cron, timezone, since, 2)[1] + GRACE


def find_lateness(session: Session, *, job: str, since: dt.datetime | None, now: dt.datetime) -> Lateness | None:
    """Why `job`, last done at `since`, is older than two periods of its schedule; None: it is not, or has none.

    One statement while all is well. With several schedules the one that comes more often counts.
    """
    if since is None:
        return None
    schedules = session.execute(
        text("SELECT id, cron, timezone, paused_at, paused_by, pause_note FROM schedules WHERE job_name = :job"),
        {"job": job},
    ).all()
    late = [one for one in schedules if is_late(since, cron=one.cron, timezone=one.timezone, now=now)]
    if not late:
        return None
    return Lateness(since, *_explain(session, job, late, since))


def _explain(session: Session, job: str, schedules: list[Row[Any]], since: dt.datetime) -> tuple[str, int | None]:
    """The reason that stands in the way now, the strongest first."""
    pause = find_pause(session)
    if pause is not None:
        return f"Everything is paused by {pause.set_by}: {pause.reason}", None
    row = session.execute(
        text("""
            SELECT run.id, run.state, run.wait_reason, run.wait_detail, run.error_message, run.skip_reason,
              EXISTS (SELECT FROM workers WHERE kind = 'worker' AND stopping_at IS NULL
                AND heartbeat_at > clock_timestamp() - interval '90 seconds') AS worker,
              (SELECT detail FROM schedule_ticks WHERE schedule_id = ANY(:ids) AND outcome <> 'launched'
                AND fire_at > :since ORDER BY fire_at DESC LIMIT 1) AS missed
            FROM (SELECT) AS always LEFT JOIN LATERAL (
              SELECT * FROM job_runs WHERE job_name = :job AND created_at > :since
              ORDER BY state NOT IN ('queued', 'running', 'waiting'), id DESC LIMIT 1) AS run ON true"""),
        {"job": job, "since": since, "ids": [one.id for one in schedules]},
    ).one()
    if row.state == "waiting" and row.wait_detail:
        return f"Run {row.id} waits: {row.wait_detail}", row.id
    paused = next((one for one in schedules if one.paused_at), None)
    if paused is not None and row.state not in ACTIVE_STATES:
        note = f": {paused.pause_note}" if paused.pause_note else ""
        return f"The schedule {paused.id} is paused by {paused.paused_by}{note}", row.id
    if not row.worker:
        return "No worker is alive: start one with `miner up`, or the worker line of the Procfile", row.id
    if row.state in ACTIVE_STATES:
        return f"Run {row.id} is {row.state}", row.id
    if row.state in ("failed", "crashed"):
        return f"Run {row.id} {row.state}: {row.error_message or 'no reason was given'}", row.id
    if row.state == "cancelled":
        return f"Run {row.id} was cancelled", row.id
    return row.missed or "No scheduler has started it: `miner up` runs one, and so does the Procfile", row.id
