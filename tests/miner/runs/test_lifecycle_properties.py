"""Random sequences of everything that can happen to runs never break a rule, on real Postgres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.errors import KeyHeld, RunAlreadyActive, RunLost
from miner.models import ACTIVE_STATES, TERMINAL_STATES
from miner.runs import bells, keys, lifecycle
from miner.runs.creation import create_run
from miner.runs.failures import Failure
from miner.runs.jobs import get_job
from miner.runs.lifecycle import Claim
from miner.runs.workers import Identity
from tests.factories import TESTER
from tests.support.emptying import empty

JOB_NAMES = ("sync", "analyze", "cluster", "trends", "pipeline")
FAILURE = Failure("Broken", "it broke")

Event = tuple[str, int, int]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "create",
                "claim",
                "complete",
                "fail",
                "retry",
                "yield",
                "batch",
                "again",
                "expire",
                "reap",
                "release",
                "cancel",
                "stop",
                "renew",
            ]
        ),
        st.integers(0, 4),
        st.integers(0, 1),
    ),
    min_size=5,
    max_size=60,
)


@dataclass
class World:
    """Two workers, all claims they ever got (stale ones too), and what was seen of each run."""

    session: Session
    workers: tuple[Identity, Identity] = field(default_factory=lambda: (Identity("worker"), Identity("worker")))
    claims: list[Claim] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    tokens: dict[int, int] = field(default_factory=dict)
    final: dict[int, tuple[str, object]] = field(default_factory=dict)
    shared: set[int] = field(default_factory=set)

    def play(self, event: Event) -> None:
        name, index, which = event
        try:
            self._do(name, index, which)
            self.session.commit()
        except (RunLost, RunAlreadyActive, KeyHeld):
            self.session.rollback()
        self.check()

    def _do(self, name: str, index: int, which: int) -> None:
        session = self.session
        if name == "create":
            self.runs.append(create_run(session, get_job(JOB_NAMES[index]), {}, by=TESTER, trigger="code")[0])
        elif name == "reap":
            lifecycle.reap(session, reaper="the test")
        elif name == "release":
            lifecycle.release_all(session, self.workers[which].id, self.runs)
        elif name == "expire":
            session.execute(text("UPDATE job_runs SET lease_expires_at = clock_timestamp() WHERE state = 'running'"))
        elif self.runs and name == "claim":
            claim = lifecycle.claim(session, self.runs[-1 - index % len(self.runs)], self.workers[which].id)
            if claim:
                self.claims.append(claim)
        elif self.runs and name == "cancel":
            lifecycle.request_cancel(session, self.runs[-1 - index % len(self.runs)], by=TESTER)
        elif self.claims:
            held = self.claims[-1 - index % len(self.claims)]
            if name == "renew":
                bells.renew(session, held.worker_id, {held.run_id: held.token})
            elif name == "stop":  # a worker only stops what was asked to stop
                asked = text("SELECT cancel_requested_at FROM job_runs WHERE id = :id")
                if session.scalar(asked, {"id": held.run_id}):
                    lifecycle.cancel_held(session, held)
            elif name == "again":
                if token_of(session, held) == held.token:
                    names = get_job(held.job_name).keys
                    keys.take_again(session, held.run_id, names[which % len(names)])
            elif name == "retry" and held.attempt >= held.max_attempts:
                lifecycle.fail(session, held, FAILURE)
            else:
                self._leave(name)(held)

    def _leave(self, name: str) -> Callable[[Claim], None]:
        session = self.session
        return {
            "complete": lambda held: lifecycle.complete(session, held),
            "fail": lambda held: lifecycle.fail(session, held, FAILURE),
            "retry": lambda held: lifecycle.wait(session, held, "retry", "again", failure=FAILURE),
            "yield": lambda held: lifecycle.wait(session, held, "yield", "others first"),
            "batch": self._wait_long,
        }[name]

    def _wait_long(self, held: Claim) -> None:
        lifecycle.wait(self.session, held, "batch", "later", keep=get_job(held.job_name).keys[0])
        self.shared.add(held.run_id)

    def check(self) -> None:
        rows = self.session.execute(
            text("""
                SELECT run.*, ARRAY(SELECT key FROM job_run_keys WHERE run_id = run.id ORDER BY key) AS held,
                    (SELECT count(*) FROM job_run_attempts a WHERE a.run_id = run.id AND a.finished_at IS NULL) AS open,
                    (SELECT count(*) FROM job_run_attempts a WHERE a.run_id = run.id) AS holds
                FROM job_runs AS run ORDER BY id""")
        ).all()
        self.session.rollback()
        keys = [key for row in rows for key in row.held]
        assert len(keys) == len(set(keys)), "a key has one holder"
        for row in rows:
            if row.id in self.shared and row.state in ACTIVE_STATES:
                assert row.keys[0] in row.held, "a run that waited long has kept one"
                assert set(row.held) <= set(row.keys)
            else:
                assert row.held == (sorted(row.keys) if row.state in ACTIVE_STATES else []), "active runs hold theirs"
            assert row.open == (1 if row.state == "running" else 0), "an attempt is open while the run runs"
            assert row.lease_token >= self.tokens.get(row.id, 0), "tokens only grow"
            assert row.attempt <= row.max_attempts
            assert row.state != "waiting" or row.cancel_requested_at is None, "what is to stop does not wait"
            assert row.rescue_count <= row.max_rescues
            assert row.holds >= row.attempt
            self.tokens[row.id] = row.lease_token
            if row.id in self.final:
                assert (row.state, row.finished_at) == self.final[row.id], "final is final"
            elif row.state in TERMINAL_STATES:
                self.final[row.id] = (row.state, row.finished_at)


def token_of(session: Session, held: Claim) -> int | None:
    """The token of a run that is at work; the unit that takes a key is fenced by it."""
    statement = text("SELECT lease_token FROM job_runs WHERE id = :id AND state = 'running' FOR UPDATE")
    return session.scalar(statement, {"id": held.run_id})


def play(events: list[Event]) -> None:
    with Session(db.engine()) as session:
        empty(session, "job_runs")
        session.commit()
        world = World(session)
        for event in events:
            world.play(event)


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET, database=None, derandomize=True)
@given(EVENTS)
def test_no_sequence_of_events_breaks_a_rule(database: str, events: list[Event]) -> None:
    play(events)


@pytest.mark.soak
def test_many_more_sequences(database: str) -> None:
    @settings(max_examples=1_500, deadline=None, suppress_health_check=QUIET, database=None)
    @given(EVENTS)
    def run(events: list[Event]) -> None:
        play(events)

    run()
