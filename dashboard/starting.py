"""The way from a button or a request of the API to work: counted first, so that nobody floods the queue.

Only what really came to something counts, and whoever sits at a development machine is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from actors.enqueue import StartedRun, settle_backlog, start_run, wake_run
from miner import throttle
from miner.access import Actor
from miner.db import transaction
from miner.errors import RunAlreadyActive
from miner.runs.queries import get_run

T = TypeVar("T")


def start_for(
    by: Actor, job: str, args: Mapping[str, Any], *, trigger: str, idempotency_key: str | None = None
) -> StartedRun:
    """Start a run as `start_run` does; raises TooMany as well."""

    def start() -> StartedRun:
        return start_run(job, args, by=by, trigger=trigger, idempotency_key=idempotency_key)

    return counted(by, job, start, counts=lambda started: started.created)  # else: the same request once more


def settle_for(by: Actor, backlog_id: int, answer: str, *, trigger: str) -> StartedRun | None:
    """Answer a backlog as `settle_backlog` does; raises TooMany as well, and then it is not answered."""

    def settle() -> StartedRun | None:
        return settle_backlog(backlog_id, answer, by=by, trigger=trigger)

    if answer != "read":
        return settle()
    return counted(by, "pipeline", settle)


def do_and_start(by: Actor, job: str, work: Callable[[], object]) -> StartedRun | None:
    """Do `work`, then start `job` without arguments; None: a run holds what it needs, and does it or the next one.

    Raises what `work` raises, and TooMany; then nothing was done.
    """

    def both() -> StartedRun | None:
        work()
        try:
            return start_run(job, {}, by=by, trigger="button")
        except RunAlreadyActive:
            return None

    return counted(by, job, both)


def wake_for(by: Actor, run_id: int) -> bool:
    """Wake a run as `wake_run` does; raises TooMany as well."""
    with transaction() as session:
        job = get_run(session, run_id).job_name
    return counted(by, job, lambda: wake_run(run_id, by=by))


def counted(by: Actor, job: str, work: Callable[[], T], *, counts: Callable[[T], bool] = bool) -> T:
    """What `work` gives, which starts `job` if that `counts`; raises TooMany, and then nothing was done."""
    if by.kind == "local":
        return work()
    # One person is one, with however many tokens.
    who = f"user {by.user_id}" if by.user_id is not None else str(by)
    with transaction() as session:
        keys = throttle.take_start(session, who=who, job=job)
    came_to_something = False
    try:
        done = work()
        came_to_something = counts(done)
        return done
    finally:
        if not came_to_something:
            with transaction() as session:
                throttle.give_back(session, keys)
