"""A run that waits long lets others have what it does not need, and takes it again before it does."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.config import Config
from miner.errors import (
    BatchUnderWay,
    BudgetReached,
    ConfigurationNeeded,
    Interruption,
    KeyHeld,
    RateLimited,
    RunAlreadyActive,
)
from miner.models import JobRun
from miner.runs import keys, lifecycle, pipeline
from miner.runs.creation import create_run
from miner.runs.holds import Holds
from miner.runs.jobs import JOBS, get_job
from miner.runs.workers import Identity
from tests.factories import TESTER


def create(job: str) -> int:
    with db.transaction() as session:
        return create_run(session, get_job(job), {}, by=TESTER, trigger="code")[0]


def held_by(session: Session, run_id: int) -> list[str]:
    session.rollback()
    rows = session.scalars(text("SELECT key FROM job_run_keys WHERE run_id = :id ORDER BY key"), {"id": run_id})
    return list(rows)


def work(session: Session, run_id: int) -> JobRun:
    identity = Identity("worker")
    session.execute(text("UPDATE job_runs SET run_after = clock_timestamp() WHERE id = :id"), {"id": run_id})
    session.commit()
    pipeline.work(run_id, worker_id=identity.id, holds=Holds(), config=Config.from_environment(), lease_seconds=60)
    session.rollback()
    return session.get_one(JobRun, run_id, populate_existing=True)


class Reading:
    """Stands for the analyze step: raises what it is given, once each, and then is done."""

    def __init__(self, *raised: Exception) -> None:
        self.raised = list(raised)

    def __call__(self, context: Any) -> None:
        if self.raised:
            raise self.raised.pop(0)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the analyze step of the pipeline raise these."""

    def install(*raised: Exception) -> None:
        monkeypatch.setattr("miner.issues.analyze.run", Reading(*raised))

    return install


def test_every_step_works_under_a_key_of_its_job() -> None:
    wrong = [
        (job.name, step.name)
        for job in JOBS.values()
        for step in job.steps
        if step.key is not None and step.key not in job.keys
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "wait", [BatchUnderWay("a batch", 60), BudgetReached("no money"), ConfigurationNeeded("no key")]
)
def test_a_pipeline_that_waits_long_keeps_only_analyze_and_others_work_meanwhile(
    session: Session, reads: Any, wait: Interruption
) -> None:
    reads(wait)
    run_id = create("pipeline")
    assert work(session, run_id).state == "waiting"
    assert held_by(session, run_id) == ["analyze"]
    for job in ("cluster", "sync"):
        assert work(session, create(job)).state in ("completed", "failed")  # sync has no account here
    for job in ("analyze", "pipeline"):
        with pytest.raises(RunAlreadyActive):
            create(job)
    assert work(session, run_id).state == "completed"
    assert held_by(session, run_id) == []


def test_a_pipeline_that_waits_a_moment_keeps_all_its_keys(session: Session, reads: Any) -> None:
    reads(RateLimited("slow down", 5))
    run_id = create("pipeline")
    assert work(session, run_id).wait_reason == "rate_limit"
    assert held_by(session, run_id) == ["analyze", "sync", "themes"]


def test_a_key_that_another_run_holds_is_waited_for_at_no_cost(session: Session, reads: Any) -> None:
    reads(BatchUnderWay("a batch", 60))
    run_id = create("pipeline")
    work(session, run_id)
    other = create("trends")
    run = work(session, run_id)
    assert (run.state, run.wait_reason, run.attempt) == ("waiting", "key", 1)
    assert run.wait_detail == f"Run {other} (trends) is at work on what comes next; it goes on after that"
    assert held_by(session, run_id) == ["analyze"]
    work(session, other)
    run = work(session, run_id)
    assert (run.state, run.attempt) == ("completed", 1)


def test_of_two_that_want_a_key_at_once_one_gets_it_and_the_other_is_told(session: Session, reads: Any) -> None:
    reads(BatchUnderWay("a batch", 60))
    run_id = create("pipeline")
    work(session, run_id)
    outcome: list[object] = []

    def start_other() -> None:
        try:
            outcome.append(create("trends"))
        except RunAlreadyActive as active:
            outcome.append(active)

    other = threading.Thread(target=start_other)
    with db.transaction() as mine:
        keys.take_again(mine, run_id, "themes")
        other.start()
        other.join(0.3)
        assert other.is_alive(), "its insert waits for this transaction"
    other.join(10)
    assert isinstance(outcome[0], RunAlreadyActive)
    assert outcome[0].run_id == run_id
    assert held_by(session, run_id) == ["analyze", "themes"]


def test_a_start_that_is_under_way_is_waited_for_and_then_told(session: Session, reads: Any) -> None:
    reads(BatchUnderWay("a batch", 60))
    run_id = create("pipeline")
    work(session, run_id)
    outcome: list[object] = []

    def take() -> None:
        try:
            with db.transaction() as opened:
                keys.take_again(opened, run_id, "themes")
        except KeyHeld as told:
            outcome.append(told)

    taker = threading.Thread(target=take)
    with db.transaction() as opened:
        other, _ = create_run(opened, get_job("trends"), {}, by=TESTER, trigger="code")
        taker.start()
        taker.join(0.3)
        assert taker.is_alive()
    taker.join(10)
    assert f"Run {other} (trends)" in str(outcome[0])


def test_taking_a_key_one_has_changes_nothing(session: Session) -> None:
    run_id = create("pipeline")
    with db.transaction() as opened:
        keys.take_again(opened, run_id, "themes")
    assert held_by(session, run_id) == ["analyze", "sync", "themes"]


def test_a_worker_that_lost_its_run_takes_no_key(session: Session, reads: Any) -> None:
    reads(BatchUnderWay("a batch", 60))
    run_id = create("pipeline")
    work(session, run_id)

    def lose(context: Any) -> None:
        with db.transaction() as opened:  # another worker takes the run over while this one reads
            lifecycle.release_all(opened, context.hold.claim.worker_id, [run_id])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("miner.issues.analyze.run", lose)
        assert work(session, run_id).wait_reason == "released"
    assert held_by(session, run_id) == ["analyze"]
