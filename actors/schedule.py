"""The minute beat: periodiq sends it, any worker decides what is due. No schedule is known here but the beat itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import dramatiq
from dramatiq import Actor, Message
from periodiq import cron

from actors.broker import QUEUE, broker, refuse, ring_all
from miner.db import transaction
from miner.errors import ConfigError
from miner.logs import get_logger
from miner.runs import bells, schedules
from miner.runs.workers import Identity, record_beat

log = get_logger(__name__)
_scheduler: Identity | None = None


class BeatActor(Actor[..., None]):
    """Its message says which scheduler sent it, so that the scheduler needs no database connection of its own."""

    def message_with_options(
        self, *, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, **options: Any
    ) -> Message[None]:
        global _scheduler
        if _scheduler is None:
            _scheduler = Identity("scheduler")
        boot = {
            "boot": str(_scheduler.id),
            "host": _scheduler.host,
            "pid": _scheduler.pid,
            "version": _scheduler.version,
        }
        return super().message_with_options(args=args, kwargs={**boot, **(kwargs or {})}, **options)

    def send_with_options(self, **options: Any) -> Message[None]:
        """As Dramatiq's; a scheduler that finds no database ends with the code of a wrong configuration."""
        try:
            return super().send_with_options(**options)
        except ConfigError as error:
            raise SystemExit(refuse(error)) from None


@dramatiq.actor(actor_class=BeatActor, queue_name=QUEUE, broker=broker, periodic=cron("* * * * *"))
def tick(boot: str, host: str, pid: int, version: str) -> None:
    """Record that the scheduler lives, decide what is due, ring what was started."""
    with transaction() as session:
        record_beat(session, Identity("scheduler", id=UUID(boot), host=host, pid=pid, version=version))
        started = schedules.tick(session)
        names = bells.job_names(session, started)
    try:
        ring_all(names)
    except Exception as error:  # every broker has its own client's errors
        log.warning("bell_failed", message=f"The broker did not take the bell: {error}", runs=len(started))
        with transaction() as session:
            bells.mark_not_rung(session, started)
