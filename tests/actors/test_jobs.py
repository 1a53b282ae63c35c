from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

import actors
from actors.jobs import analyze, cluster, pipeline, sync, trends
from miner.access import Actor, Role
from miner.errors import InvalidArguments, RunAlreadyActive
from miner.models import JobRun
from miner.runs.jobs import JOBS
from tests.actors.test_enqueue import bells


def test_every_job_has_its_actor_and_its_steps_can_be_loaded() -> None:
    for job in JOBS.values():
        assert actors.broker.get_actor(job.name).fn.__doc__ == job.sentence
        for step in job.steps:
            assert callable(step.load())


def test_send_makes_a_run_and_its_message_is_the_bell(session: Session) -> None:
    message = sync.send(backfill_days=7)
    [run_id] = message.args
    run = session.get_one(JobRun, run_id)
    assert (run.job_name, run.args, run.trigger, run.triggered_by) == (
        "sync",
        {"backfill_days": 7},
        "code",
        "code actor.send",
    )
    assert bells(session) == [("sync", [run_id])]


def test_positional_arguments_follow_the_declaration(session: Session) -> None:
    [run_id] = pipeline.send(3, 50).args
    assert session.get_one(JobRun, run_id).args == {"backfill_days": 3, "batch_size": 50}
    with pytest.raises(InvalidArguments, match="takes none"):
        trends.send(1)


def test_typed_errors_reach_the_caller_of_send(session: Session) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        analyze.send(batch_size=0)
    assert list(refusal.value.fields) == ["batch_size"]
    [first] = cluster.send().args
    with pytest.raises(RunAlreadyActive) as active:
        trends.send()
    assert active.value.run_id == first
    assert session.query(JobRun).count() == 1


@pytest.mark.parametrize("delay", [90_000, timedelta(seconds=90)])
def test_a_delay_lives_in_the_row_and_never_in_the_broker(session: Session, delay: int | timedelta) -> None:
    [run_id] = sync.send_with_options(kwargs={"backfill_days": 1}, delay=delay).args
    run = session.get_one(JobRun, run_id)
    assert 89 < (run.run_after - run.created_at).total_seconds() < 91
    assert bells(session) == []


def test_who_sends_can_be_said_and_an_idempotency_key_given(session: Session) -> None:
    by = Actor("code", "nightly script", Role.operator)
    [first] = sync.send_with_options(by=by, idempotency_key="tonight").args
    [again] = sync.send_with_options(by=by, idempotency_key="tonight").args
    assert first == again
    assert session.get_one(JobRun, first).triggered_by == "code nightly script"


def test_calling_an_actor_outside_a_worker_says_what_to_do(database: str) -> None:
    with pytest.raises(RuntimeError, match="miner up"):
        sync(1)
