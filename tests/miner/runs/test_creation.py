from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.errors import InvalidArguments, Refused, RunAlreadyActive, UnknownJob
from miner.models import AuditEntry, JobRun, JobRunKey, JobRunStep
from miner.runs import lifecycle
from miner.runs.creation import create_run
from miner.runs.jobs import get_job
from miner.runs.workers import Identity
from tests.factories import TESTER, VIEWER


def create(session: Session, name: str = "analyze", args: dict[str, object] | None = None, **more: object) -> int:
    return create_run(session, get_job(name), args or {}, by=TESTER, trigger="code", **more)[0]  # type: ignore[arg-type]


def test_a_new_run_comes_with_its_keys_steps_event_and_audit_row(session: Session) -> None:
    run_id = create(session, "pipeline", {"backfill_days": 7})
    session.commit()
    run = session.get_one(JobRun, run_id)
    assert (run.state, run.args, run.attempt, run.triggered_by) == ("queued", {"backfill_days": 7}, 0, "code tester")
    assert sorted(session.scalars(text("SELECT key FROM job_run_keys"))) == ["analyze", "sync", "themes"]
    steps = session.query(JobRunStep).order_by(JobRunStep.position).all()
    assert [(step.name, step.state) for step in steps] == [
        ("sync", "pending"),
        ("analyze", "pending"),
        ("cluster", "pending"),
        ("trends", "pending"),
    ]
    entry = session.query(AuditEntry).one()
    assert (entry.action, entry.object_id, entry.actor_name) == ("run.create", str(run_id), "tester")


@pytest.mark.parametrize("days", [0, -1, 3651, "7", 7.5, True, [7]])
def test_backfill_days_outside_its_bounds_is_refused_by_name(session: Session, days: object) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        create(session, "sync", {"backfill_days": days})
    assert list(refusal.value.fields) == ["backfill_days"]
    assert session.query(JobRun).count() == 0


@pytest.mark.parametrize("size", [0, 10_001, "all", None])
def test_batch_size_outside_its_bounds_is_refused_and_none_means_all(session: Session, size: object) -> None:
    if size is None:
        assert session.get_one(JobRun, create(session, "analyze", {"batch_size": None})).args == {}
        return
    with pytest.raises(InvalidArguments) as refusal:
        create(session, "analyze", {"batch_size": size})
    assert list(refusal.value.fields) == ["batch_size"]


def test_an_unknown_argument_is_refused_by_name(session: Session) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        create(session, "analyze", {"batchsize": 5})
    assert list(refusal.value.fields) == ["batchsize"]


def test_an_unknown_job_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnknownJob, match=r"'mine'.*analyze.*pipeline"):
        get_job("mine")


def test_a_viewer_may_not_start_a_run(session: Session) -> None:
    with pytest.raises(Refused, match="operator"):
        create_run(session, get_job("sync"), {}, by=VIEWER, trigger="button")


def test_a_held_key_refuses_the_second_run_and_names_the_first(session: Session) -> None:
    first = create(session, "pipeline")
    with pytest.raises(RunAlreadyActive) as refusal:
        create(session, "trends")
    assert (refusal.value.run_id, refusal.value.job_name, refusal.value.state) == (first, "pipeline", "queued")
    session.commit()
    assert session.query(JobRun).count() == 1, "the refused run left nothing behind"


def test_jobs_with_other_keys_run_side_by_side(session: Session) -> None:
    create(session, "analyze")
    create(session, "cluster")
    create(session, "sync")
    assert session.query(JobRunKey).count() == 3


def test_an_idempotency_key_returns_the_first_run_even_when_it_is_over(session: Session) -> None:
    first, new = create_run(session, get_job("analyze"), {}, by=TESTER, trigger="api", idempotency_key="abc")
    assert new
    lifecycle.request_cancel(session, first, by=TESTER)
    again, new = create_run(session, get_job("analyze"), {}, by=TESTER, trigger="api", idempotency_key="abc")
    assert (again, new) == (first, False)
    other, new = create_run(session, get_job("sync"), {}, by=TESTER, trigger="api", idempotency_key="abc")
    assert new
    assert other != first


def test_fifty_triggers_at_once_make_one_run_and_49_refusals_that_name_it(database: str) -> None:
    won: list[int] = []
    refused: list[int] = []
    start = threading.Barrier(50)
    engine = db.make_engine(database, size=50)

    def trigger() -> None:
        start.wait()
        with Session(engine) as session:
            try:
                won.append(create(session, "pipeline"))
                session.commit()
            except RunAlreadyActive as refusal:
                refused.append(refusal.run_id)

    threads = [threading.Thread(target=trigger) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert len(won) == 1
    assert refused == won * 49


def test_a_dead_lease_on_the_key_is_found_by_the_next_trigger(session: Session) -> None:
    run_id = create(session, "analyze")
    session.commit()
    assert lifecycle.claim(session, run_id, Identity("worker").id, lease_seconds=0)
    session.commit()
    with pytest.raises(RunAlreadyActive) as refusal:
        create(session, "analyze")
    session.commit()
    assert refusal.value.state == "waiting"
    run = session.get_one(JobRun, run_id, populate_existing=True)
    assert (run.state, run.wait_reason, run.rescue_count) == ("waiting", "rescue", 1)


def test_a_poison_run_frees_its_key_when_the_next_trigger_finds_it_dead_once_too_often(session: Session) -> None:
    run_id = create(session, "analyze")
    for _ in range(3):
        session.commit()
        assert lifecycle.claim(session, run_id, Identity("worker").id, lease_seconds=0)
        session.commit()
        lifecycle.reap(session, reaper="the test")
    session.commit()
    assert session.get_one(JobRun, run_id, populate_existing=True).state == "crashed"
    assert create(session, "analyze") != run_id
