"""The way from a button or a request of the API to a run: counted first, so that nobody floods the queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.enqueue import StartedRun, start_run
from miner import throttle
from miner.access import Actor
from miner.db import transaction
from miner.errors import MinerError


def start_for(
    by: Actor, job: str, args: Mapping[str, Any], *, trigger: str, idempotency_key: str | None = None
) -> StartedRun:
    """Start a run as `start_run` does; raises TooMany as well. Only runs that were really made count.

    Whoever sits at a development machine is not counted.
    """
    if by.kind == "local":
        return start_run(job, args, by=by, trigger=trigger, idempotency_key=idempotency_key)
    with transaction() as session:
        keys = throttle.take_start(session, who=str(by), job=job)
    try:
        started = start_run(job, args, by=by, trigger=trigger, idempotency_key=idempotency_key)
    except MinerError:
        _give_back(keys)
        raise
    if not started.created:  # the same request once more
        _give_back(keys)
    return started


def _give_back(keys: list[str]) -> None:
    with transaction() as session:
        throttle.give_back(session, keys)
