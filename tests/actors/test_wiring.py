"""The process that works: what it does with a bell once it was told to stop."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from actors import wiring
from actors.wiring import Runtime
from miner import db
from miner.models import JobRun
from miner.runs.creation import create_run
from miner.runs.jobs import get_job
from miner.runs.workers import record_beat
from tests.factories import TESTER


def queued(runtime: Runtime) -> int:
    with db.transaction() as session:
        record_beat(session, runtime.identity)
        run_id, _ = create_run(session, get_job("trends"), {}, by=TESTER, trigger="code")
    return run_id


def test_a_bell_is_answered_by_doing_the_run(session: Session) -> None:
    runtime = Runtime(threads=1, ring=lambda runs: None)
    run_id = queued(runtime)
    runtime.work(run_id)
    assert session.get_one(JobRun, run_id).state == "completed"


def test_a_process_that_stops_takes_no_run(session: Session) -> None:
    runtime = Runtime(threads=1, ring=lambda runs: None)
    run_id = queued(runtime)
    runtime.holds.stopping.set()
    runtime.work(run_id)
    run = session.get_one(JobRun, run_id)
    assert (run.state, run.attempt) == ("queued", 0)


@pytest.mark.parametrize("stops", [False, True])
def test_a_run_that_gave_others_a_turn_is_rung_unless_the_process_stops(
    session: Session, monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    rung: list[tuple[int, str]] = []
    runtime = Runtime(threads=1, ring=rung.extend)
    run_id = queued(runtime)

    def give_way(run_id: int, **_: object) -> list[int]:
        if stops:
            runtime.holds.stopping.set()
        return [run_id]

    monkeypatch.setattr(wiring.pipeline, "work", give_way)
    runtime.work(run_id)
    assert rung == ([] if stops else [(run_id, "trends")])
