from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import actors.enqueue
from actors.enqueue import start_run
from miner.errors import InvalidArguments, Refused, RunAlreadyActive, UnknownJob
from miner.models import JobRun
from tests.factories import TESTER, VIEWER


def bells(session: Session) -> list[tuple[str, list[int]]]:
    rows = session.execute(text("SELECT message FROM dramatiq.queue WHERE state = 'queued' ORDER BY position"))
    return [(row.message["actor_name"], row.message["args"]) for row in rows]


def test_the_row_is_committed_and_the_bell_carries_only_its_id(session: Session) -> None:
    started = start_run("sync", {"backfill_days": 7}, by=TESTER, trigger="button")
    assert (started.rung, started.created) == (True, True)
    run = session.get_one(JobRun, started.run_id)
    assert (run.state, run.trigger, run.args) == ("queued", "button", {"backfill_days": 7})
    assert bells(session) == [("sync", [started.run_id])]


@pytest.mark.parametrize(
    ("job", "args", "by", "error"),
    [
        ("nonsense", {}, TESTER, UnknownJob),
        ("sync", {"backfill_days": 0}, TESTER, InvalidArguments),
        ("sync", {}, VIEWER, Refused),
    ],
)
def test_a_refused_start_leaves_neither_row_nor_bell(
    session: Session, job: str, args: dict[str, int], by: object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        start_run(job, args, by=by, trigger="button")  # type: ignore[arg-type]
    assert session.query(JobRun).count() == 0
    assert bells(session) == []


def test_a_second_start_is_refused_with_the_first_ones_id(session: Session) -> None:
    first = start_run("pipeline", {}, by=TESTER, trigger="button")
    with pytest.raises(RunAlreadyActive) as refusal:
        start_run("cluster", {}, by=TESTER, trigger="api")
    assert refusal.value.run_id == first.run_id
    assert len(bells(session)) == 1


def test_an_idempotency_key_returns_the_first_run_and_rings_once(session: Session) -> None:
    first = start_run("sync", {}, by=TESTER, trigger="api", idempotency_key="k")
    again = start_run("sync", {}, by=TESTER, trigger="api", idempotency_key="k")
    assert (again.run_id, again.created) == (first.run_id, False)
    assert len(bells(session)) == 1


def test_a_broker_that_is_away_leaves_the_run_queued_and_to_be_rung(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(runs: object) -> None:
        raise ConnectionError("nobody listens")

    monkeypatch.setattr(actors.enqueue, "ring_all", away)
    started = start_run("sync", {}, by=TESTER, trigger="button")
    assert not started.rung
    run = session.get_one(JobRun, started.run_id)
    assert (run.state, run.rung_at) == ("queued", None)


def test_a_delayed_start_has_its_delay_in_the_row_and_no_bell_yet(session: Session) -> None:
    started = start_run("sync", {}, by=TESTER, trigger="code", delay_seconds=60)
    run = session.get_one(JobRun, started.run_id)
    assert 59 < (run.run_after - run.created_at).total_seconds() < 61
    assert bells(session) == []
