"""What pages and the command line read about runs and schedules."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.models import Beat, JobRun, JobRunStep, ScheduleTick, Worker
from miner.runs import queries
from miner.runs.events import record_event
from tests.factories import NOON, make_run

MINUTE = dt.timedelta(minutes=1)


def done(session: Session, job: str, at: dt.datetime = NOON, state: str = "completed", **columns: Any) -> JobRun:
    if state == "failed":
        columns |= {"error_class": "E", "error_message": "gone"}
    return make_run(
        session, job_name=job, state=state, created_at=NOON, started_at=NOON, finished_at=at, attempt=1, **columns
    )


def working(session: Session, job: str) -> JobRun:
    return make_run(
        session,
        job_name=job,
        state="running",
        created_at=NOON,
        started_at=NOON,
        attempt=1,
        lease_owner=uuid4(),
        lease_expires_at=NOON,
        claimed_at=NOON,
    )


def test_runs_are_listed_newest_first_and_filtered(session: Session) -> None:
    first, second, third = done(session, "sync"), done(session, "trends", state="failed"), done(session, "sync")
    assert [run.id for run in queries.list_runs(session)] == [third.id, second.id, first.id]
    assert [run.id for run in queries.list_runs(session, job="sync")] == [third.id, first.id]
    assert [run.id for run in queries.list_runs(session, state="failed")] == [second.id]
    assert [run.id for run in queries.list_runs(session, before=third.id, limit=1)] == [second.id]


def test_active_runs_are_those_that_are_not_over_the_oldest_first(session: Session) -> None:
    queued, running = make_run(session), working(session, "sync")
    waiting = make_run(session, state="waiting", wait_reason="released", created_at=NOON, started_at=NOON, attempt=1)
    done(session, "sync")
    assert [run.id for run in queries.list_active_runs(session)] == [queued.id, running.id, waiting.id]


def test_what_is_queued_for_later_can_be_left_out(session: Session) -> None:
    due = make_run(session)
    later = make_run(session, run_after=dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    waiting = make_run(
        session, state="waiting", wait_reason="retry", created_at=NOON, started_at=NOON, attempt=1, error_class="E",
        error_message="gone", run_after=dt.datetime.now(dt.UTC) + dt.timedelta(days=1),
    )  # fmt: skip
    assert [run.id for run in queries.list_active_runs(session)] == [due.id, later.id, waiting.id]
    assert [run.id for run in queries.list_active_runs(session, with_later=False)] == [due.id, waiting.id]


def test_active_runs_are_found_by_partial_indexes(session: Session) -> None:
    session.execute(text("SET LOCAL enable_seqscan = off"))
    statement = queries._ACTIVE.compile(dialect=postgresql.dialect())
    plan = "\n".join(row[0] for row in session.execute(text(f"EXPLAIN {statement}")))
    assert "job_runs_due_idx" in plan
    assert "job_runs_lease_idx" in plan


def test_the_newest_finished_run_is_the_one_that_ended_last_not_the_one_that_began_last(session: Session) -> None:
    assert queries.find_newest_finished_run(session) is None
    late = done(session, "sync", NOON + MINUTE)
    done(session, "trends", NOON)
    make_run(session)
    found = queries.find_newest_finished_run(session)
    assert found is not None
    assert found.id == late.id


def test_the_last_completed_run_of_a_job(session: Session) -> None:
    wanted = done(session, "pipeline")
    done(session, "pipeline", state="failed")
    found = queries.find_last_completed_run(session, "pipeline")
    assert found is not None
    assert found.id == wanted.id
    assert queries.find_last_completed_run(session, "sync") is None


def test_a_missing_run_and_a_missing_schedule_are_not_found(session: Session) -> None:
    with pytest.raises(NotFound, match="no run 7"):
        queries.get_run(session, 7)
    with pytest.raises(NotFound, match="no schedule nothing"):
        queries.get_schedule(session, "nothing")
    assert queries.get_schedule(session, "daily_sync").job_name == "pipeline"


def test_success_is_the_latest_of_own_runs_and_of_steps_of_pipelines(session: Session) -> None:
    own = done(session, "cluster", NOON + 9 * MINUTE)
    done(session, "cluster", NOON + 10 * MINUTE, "failed")
    sync = done(session, "sync")
    pipeline = done(session, "pipeline", NOON + 8 * MINUTE, "failed")
    for position, (name, state) in enumerate([("sync", "completed"), ("cluster", "completed"), ("trends", "failed")]):
        session.add(
            JobRunStep(
                run_id=pipeline.id,
                position=position,
                name=name,
                unit="x",
                state=state,
                started_at=NOON,
                finished_at=NOON + 5 * MINUTE,
            )
        )
    session.flush()
    found = queries.find_last_successes(session, ["sync", "cluster", "trends", "analyze"])
    assert {job: success.run_id for job, success in found.items()} == {"sync": pipeline.id, "cluster": own.id}
    assert sync.id not in {success.run_id for success in found.values()}


def test_the_last_run_of_each_job(session: Session) -> None:
    done(session, "sync")
    last = done(session, "sync", state="failed")
    assert {job: run.id for job, run in queries.find_last_runs(session, ["sync", "trends"]).items()} == {
        "sync": last.id
    }


def test_steps_come_in_order_for_each_run(session: Session) -> None:
    one, other = make_run(session), make_run(session)
    for position in (1, 0):
        session.add(JobRunStep(run_id=one.id, position=position, name=f"step{position}", unit="x"))
    session.flush()
    found = queries.list_steps(session, [one.id, other.id])
    assert {run_id: [step.name for step in steps] for run_id, steps in found.items()} == {
        one.id: ["step0", "step1"],
        other.id: [],
    }
    assert queries.list_steps(session, []) == {}


def test_a_story_is_told_from_its_end_in_pieces(session: Session) -> None:
    run = make_run(session)
    for number in range(5):
        record_event(session, run.id, "line", str(number), level="warning" if number == 1 else "info")
    events = queries.list_events(session, run.id, limit=2)
    assert [event.message for event in events] == ["4", "3"]
    assert [event.message for event in queries.list_events(session, run.id, before=events[-1].id)] == ["2", "1", "0"]
    assert [event.message for event in queries.list_events(session, run.id, notable=True)] == ["1"]


def test_the_latest_ticks_of_each_schedule(session: Session) -> None:
    for number in range(12):
        session.add(ScheduleTick(schedule_id="hourly_trends", fire_at=NOON + number * MINUTE, outcome="launched"))
    session.flush()
    found = queries.list_ticks(session, ["daily_sync", "hourly_trends"], most=3)
    assert found["daily_sync"] == []
    assert [tick.fire_at for tick in found["hourly_trends"]] == [NOON + number * MINUTE for number in (11, 10, 9)]


def test_processes_and_beats_tell_their_last_sign_of_life(session: Session) -> None:
    for number in range(3):
        session.add(
            Worker(
                id=uuid4(), kind="worker", host=f"box{number}", pid=1, version="1", heartbeat_at=NOON + number * MINUTE
            )
        )
    session.add(Beat(name="tick", at=NOON))
    session.flush()
    assert [worker.host for worker in queries.list_workers(session, most=2)] == ["box2", "box1"]
    assert queries.find_beat(session, "tick") == NOON
    assert queries.find_beat(session, "nothing") is None


def test_the_database_tells_its_size_and_its_biggest_tables(session: Session) -> None:
    facts = queries.get_database_facts(session)
    assert facts.size_bytes > 1_000_000
    assert facts.schema.startswith("v")
    assert len(facts.tables) == 8
    assert [size for _, size, _ in facts.tables] == sorted((size for _, size, _ in facts.tables), reverse=True)
