"""The broker: a doorbell. A message carries a run's id and nothing else; the row is the truth.

Dramatiq's own retries, time limit and age limit are left out on purpose: attempts, deadlines and delays live in
`job_runs`, where a page can show them and a restart keeps them.
"""

from __future__ import annotations

import logging

import dramatiq
from dramatiq.middleware import Middleware
from periodiq import PeriodiqMiddleware

from actors.pool import LazyPool
from actors.wiring import Runtime
from miner.config import broker_url
from miner.errors import ConfigError
from miner.runs.failures import sentence_of

QUEUE = "runs"


class RuntimeMiddleware(Middleware):
    """Gives a worker process its runtime: identity, housekeeping thread, and an end in order."""

    def __init__(self) -> None:
        self.runtime: Runtime | None = None

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        if isinstance(pool := getattr(broker, "pool", None), LazyPool):
            # One consumer, one listener, one to spare, and an acknowledgement from each thread.
            pool.resize(0, worker.worker_threads + 3)
        try:
            runtime = Runtime(threads=worker.worker_threads, ring=ring_all)
            runtime.start()
        except ConfigError as error:
            raise SystemExit(refuse(error)) from None  # an ordinary exception of a hook is logged and swallowed
        except Exception as error:
            # A worker without housekeeping would work runs that nobody keeps alive: whoever started it starts it again.
            logging.getLogger("miner").critical("the worker cannot start: %s", sentence_of(error))
            raise SystemExit(1) from None
        self.runtime = runtime

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        if self.runtime is not None:
            self.runtime.begin_stopping()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        if self.runtime is not None:
            self.runtime.stop()
            self.runtime = None


def make_broker(url: str | None, middleware: list[Middleware]) -> dramatiq.Broker:
    """The broker that the URL's scheme names; None: Postgres itself. No connection is opened here."""
    scheme = (url or "").split(":", 1)[0]
    if url is not None and scheme in ("redis", "rediss"):
        from dramatiq.brokers.redis import RedisBroker
        from redis import Redis

        return RedisBroker(  # type: ignore[no-untyped-call]
            client=Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5),
            # A dead worker's messages come back by chance, at each command: with so few messages as ours the default
            # of 1 in 1,000 takes minutes. Measured: 23 s with these, 488 s with the defaults.
            maintenance_chance=100_000,
            heartbeat_timeout=30_000,
            middleware=middleware,
        )
    if url is not None and scheme in ("amqp", "amqps"):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        logging.getLogger("pika").setLevel(logging.CRITICAL)  # a refused connection is ten lines of it, one of ours
        joined = "&" if "?" in url else "?"
        return RabbitmqBroker(
            url=f"{url}{joined}connection_attempts=1&socket_timeout=5&blocked_connection_timeout=10",
            confirm_delivery=True,  # off by default: a bell could be lost between us and the server
            middleware=middleware,
        )
    from dramatiq_postgres import PostgresBroker

    broker: dramatiq.Broker = PostgresBroker(pool=LazyPool(), results=False, middleware=middleware)
    return broker


def ring_all(runs: list[tuple[int, str]]) -> None:
    """Hand a bell for each (run id, job name) to the broker; raises what the broker raises."""
    for run_id, job_name in runs:
        actor = broker.get_actor(job_name)
        broker.enqueue(dramatiq.Message(actor.queue_name, actor.actor_name, (run_id,), {}, {}))


def refuse(error: ConfigError) -> int:
    """Say in one line why this process does not start; return the exit code of a wrong configuration."""
    logging.getLogger("miner").critical("%s", error)
    return 4


runtime_middleware = RuntimeMiddleware()
broker = make_broker(broker_url(), [PeriodiqMiddleware(skip_delay=55), runtime_middleware])
dramatiq.set_broker(broker)

# "Scheduling tick" once a minute is no news.
logging.getLogger("periodiq").setLevel(logging.WARNING)
