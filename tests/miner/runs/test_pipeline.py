"""A run from claim to end, in this process, on the sixth job of tests/support."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.config import Config
from miner.errors import RateLimited, RunLost
from miner.models import JobRun, JobRunAttempt, JobRunEvent, JobRunStep
from miner.runs import context as context_module
from miner.runs import lifecycle, pipeline
from miner.runs.context import Skip, StepContext
from miner.runs.creation import create_run
from miner.runs.holds import Holds
from miner.runs.jobs import JOBS, Job, Step, get_job
from miner.runs.workers import Identity
from tests.factories import TESTER
from tests.support import jobs as support


class Process:
    """What a worker process has: an identity and its holds."""

    def __init__(self) -> None:
        self.identity, self.holds = Identity("worker"), Holds()

    def work(self, run_id: int) -> list[int]:
        return pipeline.work(
            run_id,
            worker_id=self.identity.id,
            holds=self.holds,
            config=Config.from_environment(),
            lease_seconds=60,
        )


def start(job: str = "count", **args: Any) -> int:
    with db.transaction() as session:
        return create_run(session, get_job(job), args, by=TESTER, trigger="code")[0]


def run_of(session: Session, run_id: int) -> JobRun:
    session.commit()
    return session.get_one(JobRun, run_id, populate_existing=True)


def units(session: Session, run_id: int) -> list[int]:
    session.commit()
    rows = session.scalars(text("SELECT name FROM beats WHERE name LIKE :like"), {"like": f"unit:{run_id}:%"})
    return sorted(int(name.split(":")[2]) for name in rows)


@pytest.fixture
def extra_job() -> Iterator[Callable[..., str]]:
    """Register a job of given step functions for one test."""
    names: list[str] = []

    def make(*functions: Callable[[StepContext], Skip | None]) -> str:
        name = f"extra_{len(names)}"
        for index, function in enumerate(functions):
            setattr(support, f"_{name}_{index}", function)
        JOBS[name] = Job(
            name=name,
            title=name,
            button=name,
            sentence=name,
            steps=tuple(
                Step(f"step_{index}", f"tests.support.jobs:_{name}_{index}", "things", "Doing")
                for index in range(len(functions))
            ),
            deadline_seconds=5,
        )
        names.append(name)
        return name

    yield make
    for name in names:
        del JOBS[name]


def test_a_run_walks_its_steps_and_says_what_it_did(session: Session) -> None:
    run_id = start(to=4)
    assert Process().work(run_id) == []
    run = run_of(session, run_id)
    assert (run.state, run.counters, run.progress) == ("completed", {"tickets": 4}, None)
    step = session.query(JobRunStep).filter_by(run_id=run_id).one()
    assert (step.state, step.done, step.total, step.checkpoint) == ("completed", 4, 4, None)
    assert units(session, run_id) == [0, 1, 2, 3]
    names = [event.name for event in session.query(JobRunEvent).order_by(JobRunEvent.id)]
    assert names == ["run_queued", "run_started", "step_started", "step_completed", "run_completed"]


def test_a_second_bell_for_the_same_run_does_nothing(session: Session) -> None:
    run_id = start(to=2)
    process = Process()
    process.work(run_id)
    assert process.work(run_id) == []
    assert session.query(JobRunAttempt).filter_by(run_id=run_id).count() == 1


def test_a_bell_for_a_run_that_does_not_exist_does_nothing(database: str) -> None:
    assert Process().work(12345) == []


def test_an_error_that_says_no_fails_the_run_and_names_the_step(session: Session) -> None:
    run_id = start(trouble="fail", at=1)
    Process().work(run_id)
    run = run_of(session, run_id)
    assert (run.state, run.error_class, run.current_step) == ("failed", "StepError", "count")
    assert run.error_message == "the count cannot go on: ask for a smaller number"
    assert session.query(JobRunStep).filter_by(run_id=run_id).one().state == "failed"
    assert units(session, run_id) == [0], "what was done before stays"


def test_a_mistake_in_the_code_fails_the_run_at_once_with_its_place(session: Session) -> None:
    run_id = start(trouble="crash")
    Process().work(run_id)
    run = run_of(session, run_id)
    assert (run.state, run.attempt, run.error_class) == ("failed", 1, "ZeroDivisionError")
    attempt = session.query(JobRunAttempt).filter_by(run_id=run_id).one()
    assert "tests/support/jobs.py" in str(attempt.traceback)


def test_an_error_that_says_a_retry_helps_is_tried_again_and_goes_on_from_its_checkpoint(session: Session) -> None:
    run_id = start(to=3, trouble="retry", at=2)
    process = Process()
    process.work(run_id)
    run = run_of(session, run_id)
    assert (run.state, run.wait_reason, run.attempt) == ("waiting", "retry", 1)
    assert "the counter was busy" in str(run.wait_detail)
    assert process.work(run_id) == [], "not before its time"
    session.execute(text("UPDATE job_runs SET run_after = clock_timestamp()"))
    session.commit()
    process.work(run_id)
    run = run_of(session, run_id)
    assert (run.state, run.attempt, run.error_class) == ("completed", 2, None)
    assert units(session, run_id) == [0, 1, 2]
    first, second = session.query(JobRunAttempt).filter_by(run_id=run_id).order_by(JobRunAttempt.lease_token)
    assert (first.outcome, first.error_class, second.outcome) == ("failed", "TransientStepError", "completed")


def test_retries_end_with_the_jobs_limit(session: Session) -> None:
    run_id = start(trouble="retry_always")
    process = Process()
    for _ in range(3):
        process.work(run_id)
        session.execute(text("UPDATE job_runs SET run_after = clock_timestamp() WHERE state = 'waiting'"))
        session.commit()
    run = run_of(session, run_id)
    assert (run.state, run.attempt) == ("failed", 3)


def test_a_step_that_had_nothing_to_do_is_skipped_with_its_reason(session: Session, extra_job: Any) -> None:
    name = extra_job(lambda context: Skip("nothing is new"), lambda context: None)
    run_id = start(name)
    Process().work(run_id)
    states = [(s.state, s.skip_reason) for s in session.query(JobRunStep).order_by(JobRunStep.position)]
    assert states == [("skipped", "nothing is new"), ("completed", None)]
    assert run_of(session, run_id).state == "completed"


def test_steps_that_are_done_are_not_done_again_when_the_run_goes_on(session: Session, extra_job: Any) -> None:
    calls: list[str] = []

    def first(context: StepContext) -> None:
        calls.append("first")

    def second(context: StepContext) -> None:
        calls.append("second")
        if len(calls) == 2:
            raise SystemExit

    run_id = start(extra_job(first, second))
    process = Process()
    with pytest.raises(SystemExit):
        process.work(run_id)
    run = run_of(session, run_id)
    assert (run.state, run.wait_reason, run.attempt) == ("waiting", "released", 1)
    process.work(run_id)
    assert calls == ["first", "second", "second"]
    assert run_of(session, run_id).state == "completed"


def test_a_cancel_stops_the_run_at_its_next_unit(session: Session, extra_job: Any) -> None:
    def step(context: StepContext) -> None:
        for number in range(5):
            with context.unit() as unit:
                unit.advance(1)
            if number == 1:
                with db.transaction() as other:
                    lifecycle.request_cancel(other, context.run_id, by=TESTER)

    run_id = start(extra_job(step))
    Process().work(run_id)
    run = run_of(session, run_id)
    assert (run.state, run.cancel_requested_by) == ("cancelled", "code tester")
    assert session.query(JobRunStep).one().done == 3, "the unit that saw the request is kept"


def test_a_stopping_process_gives_the_run_back_at_its_next_unit(session: Session, extra_job: Any) -> None:
    process = Process()

    def step(context: StepContext) -> None:
        with context.unit() as unit:
            unit.advance(1)
            unit.checkpoint = {"at": 1}
        process.holds.stopping.set()
        with context.unit():
            raise AssertionError("no unit begins in a stopping process")

    run_id = start(extra_job(step))
    process.work(run_id)
    run = run_of(session, run_id)
    assert (run.state, run.wait_reason, run.attempt) == ("waiting", "released", 1)
    assert session.query(JobRunStep).one().checkpoint == {"at": 1}


def test_a_run_that_was_taken_over_keeps_nothing_of_its_open_unit(session: Session, extra_job: Any) -> None:
    def step(context: StepContext) -> None:
        with context.unit() as unit:
            unit.session.execute(text("INSERT INTO beats (name) VALUES ('kept')"))
        with db.transaction() as other:  # the lease runs out and another worker takes the run
            other.execute(text("UPDATE job_runs SET lease_expires_at = clock_timestamp() - interval '1 second'"))
            lifecycle.reap(other, reaper="the test")
            assert lifecycle.claim(other, context.run_id, Identity("worker").id)
        with context.unit() as unit:
            unit.session.execute(text("INSERT INTO beats (name) VALUES ('lost')"))

    run_id = start(extra_job(step))
    Process().work(run_id)
    session.commit()
    assert session.scalars(text("SELECT name FROM beats")).all() == ["kept"]
    run = run_of(session, run_id)
    assert (run.state, run.lease_token) == ("running", 3), "the other worker's hold is untouched"


def test_a_unit_that_fails_leaves_neither_rows_nor_progress(session: Session, extra_job: Any) -> None:
    def step(context: StepContext) -> None:
        with context.unit() as unit:
            unit.session.execute(text("INSERT INTO beats (name) VALUES ('half')"))
            unit.advance(1)
            unit.count(tickets=1)
            raise ValueError("in the middle")

    run_id = start(extra_job(step))
    Process().work(run_id)
    assert session.scalars(text("SELECT name FROM beats")).all() == []
    run = run_of(session, run_id)
    assert (run.state, run.counters) == ("failed", {})


def test_a_run_past_its_working_time_fails_and_a_long_one_gives_others_a_turn(
    session: Session, extra_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context_module, "YIELD_SECONDS", -1.0)
    run_id = start(extra_job(lambda context: None))
    assert Process().work(run_id) == [run_id], "it rings itself"
    assert run_of(session, run_id).wait_reason == "yield"
    monkeypatch.setattr(context_module, "YIELD_SECONDS", 3600.0)
    session.execute(text("UPDATE job_runs SET worked_seconds = 6"))
    session.commit()
    Process().work(run_id)
    run = run_of(session, run_id)
    assert (run.state, run.error_class) == ("failed", "DeadlinePassed")


def test_counters_add_up_over_units_and_attempts(session: Session, extra_job: Any) -> None:
    from decimal import Decimal

    def step(context: StepContext) -> None:
        for _ in range(3):
            with context.unit() as unit:
                unit.count(tickets=2, cost_usd=Decimal("0.10"))

    run_id = start(extra_job(step))
    Process().work(run_id)
    assert run_of(session, run_id).counters == {"tickets": 6, "cost_usd": 0.3}


def test_a_database_error_keeps_row_data_out_of_the_message(session: Session, extra_job: Any) -> None:
    def step(context: StepContext) -> None:
        with context.unit() as unit:
            for _ in range(2):
                unit.session.execute(
                    text("INSERT INTO beats (name) VALUES (:name)"), {"name": " ".join(["secret", "words"])}
                )

    run_id = start(extra_job(step))
    Process().work(run_id)
    run = run_of(session, run_id)
    attempt = session.query(JobRunAttempt).one()
    assert run.error_class == "IntegrityError"
    assert "secret words" not in f"{run.error_message}{run.wait_detail}{attempt.traceback}{attempt.error_message}"


def test_settling_gives_up_without_raising_when_the_run_was_lost(database: str) -> None:
    run_id = start()
    process = Process()
    with db.transaction() as session:
        claim = lifecycle.claim(session, run_id, process.identity.id)
    assert claim is not None
    hold = process.holds.add(claim)

    def lost(session: Session) -> list[int]:
        raise RunLost("gone")

    assert pipeline._settle(hold, lost) == []


def test_a_service_that_asks_to_wait_costs_no_thread_and_no_attempt(session: Session, extra_job: Any) -> None:
    asked = iter([RateLimited("Zendesk asks to wait 90 s", 90)])

    def limited(context: StepContext) -> None:
        for error in asked:
            raise error

    run_id = start(extra_job(limited))
    process = Process()
    assert process.work(run_id) == []
    run = run_of(session, run_id)
    assert (run.state, run.wait_reason, run.wait_detail) == ("waiting", "rate_limit", "Zendesk asks to wait 90 s")
    left = session.scalar(text("SELECT extract(epoch FROM run_after - clock_timestamp()) FROM job_runs"))
    assert left is not None
    assert 60 < left <= 90
    session.execute(text("UPDATE job_runs SET run_after = now()"))
    session.commit()
    process.work(run_id)
    run = run_of(session, run_id)
    assert (run.state, run.attempt) == ("completed", 1)
