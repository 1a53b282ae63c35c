"""The housekeeping thread: one in each process that works, with a connection of its own.

It needs no free actor thread and no broker, so leases, rescue, cancel requests and schedules go on while every actor
thread is blocked. Every beat: heartbeat and leases, then expired leases of others, then the schedule tick when nobody
ticked, runs that follow from others, and bells. Every second: log lines and cancel requests.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from miner.errors import RunLost
from miner.logs import LINES, get_logger
from miner.runs import bells, followups, lifecycle, schedules, workers
from miner.runs.events import record_lines
from miner.runs.failures import Failure, sentence_of
from miner.runs.holds import Holds
from miner.runs.pausing import find_pause
from miner.runs.workers import Identity

log = get_logger(__name__)

# 30 s after SIGTERM a PaaS sends SIGKILL; what is still held this long after it is given back by raising its token.
RELEASE_SECONDS = 20.0
# A pause stops everything within 20 s: a look each second, the time of an ordinary unit, and then the same.
PAUSE_SECONDS = 15.0
BEATS_PER_LEASE = 4
# A beat that is missed by this share of a lease means that nobody ticks any more.
TICK_AFTER_LEASES = 1.25


class Housekeeper(threading.Thread):
    """`ring` hands (run id, job name) pairs to the broker and may raise; the runs are then rung again later.

    `follow` False: a process that works one run only starts none that follow from it, since nobody might work them.
    """

    def __init__(
        self,
        engine: Engine,
        identity: Identity,
        holds: Holds,
        *,
        ring: Callable[[list[tuple[int, str]]], None],
        lease_seconds: float,
        follow: bool = True,
    ) -> None:
        super().__init__(name="housekeeping", daemon=True)
        self._engine, self._identity, self._holds, self._ring = engine, identity, holds, ring
        self._lease, self._follow = lease_seconds, follow
        self._beat = lease_seconds / BEATS_PER_LEASE
        self._quit = threading.Event()
        self._next_beat = 0.0
        self._release_at: float | None = None
        self._steady_since: float | None = None
        self._paused_since: float | None = None

    def run(self) -> None:
        while not self._quit.wait(min(1.0, self._beat)):
            self._guarded(self._second)
            if time.monotonic() >= self._next_beat:
                self._next_beat = time.monotonic() + self._beat
                self._guarded(self._every_beat)
            if self._release_at is not None and time.monotonic() >= self._release_at:
                self._guarded(self._release)

    def begin_stopping(self) -> None:
        """The process was told to stop: runs leave at their next unit, and at the latest after RELEASE_SECONDS."""
        self._release_at = time.monotonic() + RELEASE_SECONDS
        self._holds.stopping.set()
        self._guarded(lambda session: workers.mark_stopping(session, self._identity.id))

    def finish(self) -> None:
        """The process ends: what is still held is given back, the last lines are written, the row says stopped."""
        self._quit.set()
        if self.is_alive():
            self.join(timeout=5)
        self._guarded(self._release)
        while LINES.waiting() and self._guarded(self._write_lines):
            pass
        self._guarded(lambda session: workers.mark_stopped(session, self._identity.id))
        self._engine.dispose()

    def _guarded(self, work: Callable[[Session], None]) -> bool:
        """One transaction; a database that is away is no reason to end, and is remembered for `_steady`."""
        try:
            with Session(self._engine) as session:
                work(session)
                session.commit()
        except Exception as error:  # this thread carries every lease: it must outlive any single mistake
            self._steady_since = None
            log.warning("housekeeping_failed", message=f"Housekeeping could not do its round: {sentence_of(error)}")
            return False
        return True

    def _second(self, session: Session) -> None:
        self._write_lines(session)
        held = {hold.claim.run_id: hold for hold in self._holds.all()}
        if held:
            asked = session.scalars(
                text("SELECT id FROM job_runs WHERE id = ANY(:ids) AND cancel_requested_at IS NOT NULL"),
                {"ids": list(held)},
            )
            for run_id in asked:
                held[run_id].cancel.set()

        self._look_at_pause(session)

    def _look_at_pause(self, session: Session) -> None:
        if find_pause(session) is None:
            self._holds.paused.clear()
            self._paused_since = None
            return
        self._holds.paused.set()
        self._paused_since = self._paused_since or time.monotonic()
        if time.monotonic() - self._paused_since > PAUSE_SECONDS:
            self._give_back(session, "paused")

    def _write_lines(self, session: Session) -> None:
        lines = LINES.take()
        if dropped := LINES.take_dropped():
            log.warning("lines_dropped", message=f"{dropped:,} log lines of runs were lost: too many at once")
        try:
            record_lines(session, lines)
            session.commit()
        except OperationalError:  # away for a moment
            LINES.put_back(lines)
            raise
        except SQLAlchemyError:  # one line that cannot be stored must not take the others with it, nor come for ever
            session.rollback()
            for line in lines:
                try:
                    record_lines(session, [line])
                    session.commit()
                except SQLAlchemyError as error:
                    session.rollback()
                    log.warning("line_lost", message=f"A log line could not be kept: {sentence_of(error)}")

    def _every_beat(self, session: Session) -> None:
        workers.record_beat(session, self._identity)
        self._renew(session)
        session.commit()
        self._end_overdue(session)
        session.commit()
        if self._steady():
            lifecycle.reap(session, reaper=f"{self._identity.host} pid {self._identity.pid}")
            session.commit()
        if not self._holds.stopping.is_set():
            if self._tick_is_late(session):
                self._ring_now(session, bells.job_names(session, schedules.tick(session)))
            if self._follow:
                self._ring_now(session, followups.start_due(session))
            self._ring_now(session, bells.take_due_bells(session))

    def _renew(self, session: Session) -> None:
        holds = {hold.claim.run_id: hold for hold in self._holds.all()}
        if not holds:
            return
        tokens = {run_id: hold.claim.token for run_id, hold in holds.items()}
        alive = bells.renew(session, self._identity.id, tokens, lease_seconds=self._lease)
        for run_id, hold in holds.items():
            if run_id not in alive:
                hold.lost.set()
            elif alive[run_id]:
                hold.cancel.set()

    def _end_overdue(self, session: Session) -> None:
        """End runs whose thread is blocked past its working time, or long after it was asked to stop.

        A step looks at both at its next unit; one that hangs in an outside call has none, and its lease is renewed here
        for as long as the process lives.
        """
        for hold in self._holds.all():
            if hold.lost.is_set():
                continue
            limit = hold.claim.deadline_seconds
            try:
                if hold.worked_seconds > limit + RELEASE_SECONDS:
                    sentence = f"it has worked longer than its limit of {limit / 3600:g} h and does not answer"
                    lifecycle.fail(session, hold.claim, Failure("DeadlinePassed", sentence))
                elif hold.cancel_age() > RELEASE_SECONDS:
                    lifecycle.cancel_held(session, hold.claim)
                else:
                    continue
            except RunLost:
                pass
            hold.lost.set()

    def _steady(self) -> bool:
        """Whether the database was within reach for more than a beat.

        After an outage every worker's lease looks expired; the others get the time to renew before anybody reaps.
        """
        now = time.monotonic()
        if self._steady_since is None:
            self._steady_since = now
        return now - self._steady_since > 1.5 * self._beat

    def _tick_is_late(self, session: Session) -> bool:
        return bool(
            session.scalar(
                text("""
                    SELECT NOT EXISTS (SELECT FROM beats WHERE name = 'tick'
                        AND at > clock_timestamp() - make_interval(secs => :late))"""),
                {"late": self._lease * TICK_AFTER_LEASES},
            )
        )

    def _ring_now(self, session: Session, runs: list[tuple[int, str]]) -> None:
        session.commit()
        if not runs:
            return
        try:
            self._ring(runs)
        except Exception as error:  # a broker may raise its own client's errors
            log.warning("bell_failed", message=f"The broker did not take the bell: {error}", runs=len(runs))
            bells.mark_not_rung(session, [run_id for run_id, _ in runs])

    def _release(self, session: Session) -> None:
        self._give_back(session, "released")

    def _give_back(self, session: Session, reason: str) -> None:
        held = [hold for hold in self._holds.all() if not hold.lost.is_set()]
        released = lifecycle.release_all(
            session, self._identity.id, [hold.claim.run_id for hold in held], reason=reason
        )
        for hold in held:
            if hold.claim.run_id in released:
                hold.lost.set()
