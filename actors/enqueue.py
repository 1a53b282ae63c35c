"""The door: every run starts here. Row first, committed; bell second.

Button, API, command line, schedule and `actor.send()` end in `start_run`, except that the schedule tick makes its rows
in its own transaction and only rings here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.broker import ring_all
from miner.access import Actor
from miner.db import transaction
from miner.errors import Refused, RunAlreadyActive
from miner.issues import backlog
from miner.logs import get_logger
from miner.runs import bells, resuming
from miner.runs.creation import arguments_of, create_run
from miner.runs.jobs import get_job

log = get_logger(__name__)


@dataclass(frozen=True)
class StartedRun:
    """`rung` is False when the broker could not be reached: the run is queued and is rung again.

    `created` is False when an idempotency key returned an earlier run.
    """

    run_id: int
    rung: bool
    created: bool


def start_run(
    job_name: str,
    args: Mapping[str, Any],
    *,
    by: Actor,
    trigger: str,
    idempotency_key: str | None = None,
    rerun_of: int | None = None,
    delay_seconds: float = 0,
    bell: bool = True,
) -> StartedRun:
    """Write a queued run, commit, ring (`bell=False`: the caller works it in this process).

    Raises UnknownJob, InvalidArguments, Refused, RunAlreadyActive; then there is no row. A broker that cannot be
    reached is no error: the row stays queued and housekeeping rings it.
    """
    job = get_job(job_name)
    active: RunAlreadyActive | None = None
    with transaction() as session:
        try:
            run_id, created = create_run(
                session,
                job,
                args,
                by=by,
                trigger=trigger,
                idempotency_key=idempotency_key,
                rerun_of=rerun_of,
                delay_seconds=delay_seconds,
            )
        except RunAlreadyActive as error:
            active = error  # raised after the commit: a dead lease that was found on the way stays found
    if active is not None:
        raise active
    due_now = created and bell and not delay_seconds  # a delayed run is rung by housekeeping when it is due
    return StartedRun(run_id, ring(run_id, job_name) if due_now else True, created)


def rerun(run_id: int, args: Mapping[str, Any] | None = None, *, by: Actor) -> StartedRun:
    """Start a new run that repeats a run which is over, with the same or with other arguments.

    It points to the old one, whose row does not change, and does all its steps again. Raises NotFound, UsageError (it
    is not over), and what `start_run` raises.
    """
    with transaction() as session:
        job_name, before = arguments_of(session, run_id)
    if args is not None and not get_job(job_name).startable:
        raise Refused(f"{job_name} can be repeated only as it was")
    return start_run(job_name, before if args is None else args, by=by, trigger="rerun", rerun_of=run_id)


def settle_backlog(backlog_id: int, answer: str, *, by: Actor, trigger: str) -> StartedRun | None:
    """Answer a backlog; "read" starts a pipeline that reads and groups it. None: nothing was started.

    Nothing is started for "leave", nor while another run is at work: that one, or the next, reads the backlog. Raises
    NotFound, InvalidArguments, Refused.
    """
    with transaction() as session:
        backlog.answer_backlog(session, backlog_id, answer, by=by)
    if answer != "read":
        return None
    try:
        return start_run("pipeline", {}, by=by, trigger=trigger)
    except RunAlreadyActive:
        return None


def wake_run(run_id: int, *, by: Actor) -> bool:
    """Let a run that waits for somebody look again now; False: it waits for nobody. Raises NotFound, Refused."""
    with transaction() as session:
        job_name = resuming.wake_run(session, run_id, by=by)
    return job_name is not None and (ring(run_id, job_name) or True)


def ring(run_id: int, job_name: str) -> bool:
    """Ring one run; False when the broker did not take the bell."""
    try:
        ring_all([(run_id, job_name)])
    except Exception as error:  # every broker has its own client's errors
        log.warning("bell_failed", message=f"The broker did not take the bell of run {run_id}: {error}", run=run_id)
        with transaction() as session:
            bells.mark_not_rung(session, [run_id])
        return False
    return True
