"""Runs that follow from how another one stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import db
from miner.config import Config
from miner.models import JobRun, ModelBatch, Theme
from miner.runs import followups, lifecycle, pipeline
from miner.runs.context import StepContext
from miner.runs.creation import create_run
from miner.runs.failures import Failure
from miner.runs.holds import Holds
from miner.runs.jobs import get_job
from miner.runs.workers import Identity
from tests.factories import TESTER
from tests.standins.claude.fixture import claude as claude
from tests.standins.claude.standin import StandIn
from tests.support.batches import batches, hurry, in_batches, times_billed
from tests.support.reading import fill, issues

Steps = Callable[..., StepContext]


def create(job: str) -> int:
    with db.transaction() as session:
        return create_run(session, get_job(job), {}, by=TESTER, trigger="code")[0]


def follow(session: Session) -> list[tuple[int, str]]:
    session.rollback()
    with db.transaction() as opened:
        return followups.start_due(opened)


def work(session: Session, run_id: int) -> JobRun:
    session.rollback()
    hurry(session)
    session.execute(text("UPDATE job_runs SET run_after = clock_timestamp() WHERE id = :id"), {"id": run_id})
    session.commit()
    identity = Identity("worker")
    pipeline.work(run_id, worker_id=identity.id, holds=Holds(), config=Config.from_environment(), lease_seconds=60)
    session.rollback()
    return session.get_one(JobRun, run_id, populate_existing=True)


def test_a_pipeline_goes_on_with_what_is_read_while_its_batch_is_worked(session: Session, claude: StandIn) -> None:
    in_batches(session, tickets_per_call=4)
    fill(session, 12)
    run_id = create("pipeline")
    run = work(session, run_id)
    assert (run.state, run.wait_reason) == ("waiting", "batch")
    assert len(issues(session)) == 4, "the call before the batch"
    ((follower, name),) = follow(session)
    assert name == "regroup"
    assert follow(session) == [], "once for what is read"
    run = work(session, follower)
    assert (run.state, run.trigger, run.triggered_by) == ("completed", "pipeline", "system")
    theme = session.scalars(select(Theme)).one()
    assert theme.issue_count == 4
    assert follow(session) == []
    run = work(session, run_id)
    assert run.state == "completed"
    session.expire_all()
    assert session.scalars(select(Theme)).one().issue_count == 12, "the theme has kept its id and holds all"
    assert follow(session) == []


def test_nothing_is_grouped_before_anything_is_read_or_while_others_group(session: Session, claude: StandIn) -> None:
    in_batches(session, run_budget_usd=0.000001)
    fill(session, 4)
    run_id = create("pipeline")
    assert work(session, run_id).wait_reason == "budget"
    assert follow(session) == []
    in_batches(session)
    assert work(session, run_id).wait_reason == "batch"
    other = create("trends")
    assert follow(session) == []
    work(session, other)
    assert [name for _, name in follow(session)] == ["regroup"]


def test_the_batch_of_a_cancelled_run_is_cancelled_and_what_was_finished_is_stored(
    session: Session, claude: StandIn
) -> None:
    in_batches(session, tickets_per_call=1)
    fill(session, 9)
    claude.batches.polls_until_end = None
    run_id = create("analyze")
    assert work(session, run_id).wait_reason == "batch"
    assert follow(session) == []
    with db.transaction() as opened:
        lifecycle.request_cancel(opened, run_id, by=TESTER)
    ((settler, name),) = follow(session)
    assert name == "batches"
    assert follow(session) == [], "one at a time"
    assert work(session, settler).wait_reason == "batch"
    assert [one.path.rsplit("/", 1)[-1] for one in claude.log].count("cancel") == 1
    assert work(session, settler).state == "completed"
    assert batches(session) == [("ingested", 8)]
    assert len(issues(session)) == 1 + 4, "the live call and the half that was done"
    assert follow(session) == []
    in_batches(session, reading="live")
    assert work(session, create("analyze")).state == "completed"
    assert len(issues(session)) == 9
    assert set(times_billed(claude).values()) == {1}


def test_the_batch_of_a_run_that_failed_is_not_cancelled(session: Session, claude: StandIn) -> None:
    in_batches(session)
    fill(session, 6)
    run_id = create("analyze")
    work(session, run_id)
    with db.transaction() as opened:
        claim = lifecycle.claim(opened, run_id, Identity("worker").id)
        assert claim is None, "it is not due"
        opened.execute(text("UPDATE job_runs SET run_after = clock_timestamp()"))
        claim = lifecycle.claim(opened, run_id, Identity("worker").id)
        assert claim is not None
        lifecycle.fail(opened, claim, Failure("Broken", "it broke"))
    ((settler, _),) = follow(session)
    assert work(session, settler).state == "completed"
    assert "cancel" not in {one.path.rsplit("/", 1)[-1] for one in claude.log}
    assert len(issues(session)) == 6


def test_without_a_key_the_batch_is_left_for_an_hour_and_nobody_is_kept_from_reading(
    session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_batches(session)
    fill(session, 6)
    run_id = create("analyze")
    work(session, run_id)
    with db.transaction() as opened:
        lifecycle.request_cancel(opened, run_id, by=TESTER)
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    ((settler, _),) = follow(session)
    assert work(session, settler).state == "completed"
    assert follow(session) == []
    assert batches(session) == [("submitted", 2)]
    session.execute(text("ALTER TABLE job_runs DISABLE TRIGGER job_runs_guard"))
    session.execute(
        text("""
            UPDATE job_runs SET created_at = created_at - interval '2 hours', started_at = started_at
                - interval '2 hours', finished_at = finished_at - interval '2 hours' WHERE id = :id"""),
        {"id": settler},
    )
    session.commit()
    monkeypatch.setenv("ANTHROPIC_API_KEY", claude.key)
    ((later, _),) = follow(session)
    assert work(session, later).wait_reason == "batch"
    assert session.scalars(select(ModelBatch.cancel)).one() is True
    assert work(session, later).state == "completed"
