"""One actor a job, so that `sync.send(backfill_days=7)` from a Python shell makes a run like everything else does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dramatiq import Actor, Message

from actors.broker import QUEUE, broker, runtime_middleware
from actors.enqueue import start_run
from miner.access import Actor as WhoActs
from miner.access import Role
from miner.errors import BrokerUnavailable, InvalidArguments
from miner.runs.jobs import JOBS, Job

CODE = WhoActs("code", "actor.send", Role.operator)


class JobActor(Actor[..., None]):
    """An actor whose messages are bells: `send` validates, writes the run, rings, and returns the bell.

    Dramatiq logs and swallows what a broker middleware raises, so the door stands here, where the caller gets typed
    errors: InvalidArguments, RunAlreadyActive, BrokerUnavailable (the run is written and is rung later).
    A message's only argument is the run id: `sync.send().args[0]`.
    """

    def message_with_options(
        self, *, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, **options: Any
    ) -> Message[None]:
        """Write the run and return its bell, already rung once; ringing it again is harmless."""
        return self._start(args, kwargs, None, options)

    def send_with_options(
        self,
        *,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        delay: timedelta | int | None = None,
        **options: Any,
    ) -> Message[None]:
        """Write the run (not to start before `delay` milliseconds or timedelta) and ring; the delay is in the row."""
        return self._start(args, kwargs, delay, options)

    def _start(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any] | None,
        delay: timedelta | int | None,
        options: dict[str, Any],
    ) -> Message[None]:
        job = JOBS[self.actor_name]
        names = list(job.arguments.model_fields)
        if len(args) > len(names):
            raise InvalidArguments({"arguments": f"{self.actor_name} takes {', '.join(names) or 'none'}"})
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else (delay or 0) / 1000
        started = start_run(
            self.actor_name,
            {**dict(zip(names, args, strict=False)), **(kwargs or {})},
            by=options.pop("by", CODE),
            trigger="code",
            idempotency_key=options.pop("idempotency_key", None),
            delay_seconds=seconds,
        )
        if not started.rung:
            raise BrokerUnavailable(started.run_id, "see the log")
        return Message(self.queue_name, self.actor_name, (started.run_id,), {}, options)


def declare(job: Job) -> JobActor:
    """The actor of a job: it works the run that its bell names."""

    def bell(run_id: int) -> None:
        runtime = runtime_middleware.runtime
        if runtime is None:
            raise RuntimeError("actors work in a worker process: start one with `miner up` or `dramatiq actors`")
        runtime.work(run_id)

    bell.__name__ = job.name
    bell.__doc__ = job.sentence
    return JobActor(bell, broker=broker, actor_name=job.name, queue_name=QUEUE, priority=0, options={})


sync = declare(JOBS["sync"])
analyze = declare(JOBS["analyze"])
cluster = declare(JOBS["cluster"])
trends = declare(JOBS["trends"])
pipeline = declare(JOBS["pipeline"])
import_file = declare(JOBS["import"])
sample = declare(JOBS["sample"])
trial = declare(JOBS["trial"])
preview = declare(JOBS["preview"])
retention = declare(JOBS["retention"])
reconcile = declare(JOBS["reconcile"])
batches = declare(JOBS["batches"])
regroup = declare(JOBS["regroup"])
help_center = declare(JOBS["help_center"])
