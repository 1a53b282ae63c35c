"""The composition root of a process that works: Config, identity, what it holds, its housekeeping, and the bell."""

from __future__ import annotations

from collections.abc import Callable

from miner import db, logs
from miner.config import Config, secret_values
from miner.runs import bells, pipeline
from miner.runs.holds import Holds
from miner.runs.housekeeping import Housekeeper
from miner.runs.workers import Identity, record_beat

Ring = Callable[[list[tuple[int, str]]], None]


class Runtime:
    """One boot of a worker. `ring` gets (run id, job name) pairs; it may raise, the runs are then rung again later.

    `follow`: whether runs that follow from others are started here.
    """

    def __init__(self, *, threads: int, ring: Ring, follow: bool = True) -> None:
        self.config = Config.from_environment()
        self.holds = Holds()
        self.identity = Identity("worker", threads=threads)
        self._ring, self._follow = ring, follow
        self._housekeeper: Housekeeper | None = None

    def start(self) -> None:
        """Register the worker and start housekeeping."""
        logs.hide(secret_values())
        logs.setup(self.config.log_level, json=self.config.production)
        db.set_up("miner-worker", size=max(db.SIZE, self.identity.threads or 1))
        with db.transaction() as session:
            record_beat(session, self.identity)
        self._housekeeper = Housekeeper(
            db.make_engine(self.config.database_url(), size=1, name="miner-housekeeping"),
            self.identity,
            self.holds,
            ring=self._ring,
            lease_seconds=self.config.lease_seconds,
            follow=self._follow,
        )
        self._housekeeper.start()

    def work(self, run_id: int) -> None:
        """Claim and do the run; return at once when it is not to be had or the process is stopping."""
        if self.holds.stopping.is_set():
            return
        again = pipeline.work(
            run_id,
            worker_id=self.identity.id,
            holds=self.holds,
            config=self.config,
            lease_seconds=self.config.lease_seconds,
        )
        if again and not self.holds.stopping.is_set():
            with db.transaction() as session:
                runs = bells.job_names(session, again)
            self._ring(runs)

    def begin_stopping(self) -> None:
        if self._housekeeper is not None:
            self._housekeeper.begin_stopping()

    def stop(self) -> None:
        if self._housekeeper is not None:
            self._housekeeper.finish()
            self._housekeeper = None
