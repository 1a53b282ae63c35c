"""Who is there: a row for each boot, alive as long as it beats and was not told to stop."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.models import Worker
from miner.runs.workers import Identity, has_live_worker, mark_stopped, mark_stopping, record_beat


def beat(session: Session, kind: str = "worker") -> Identity:
    identity = Identity(kind, threads=2)
    record_beat(session, identity)
    return identity


def age(session: Session, seconds: float) -> None:
    session.execute(
        text("UPDATE workers SET heartbeat_at = clock_timestamp() - make_interval(secs => :s)"), {"s": seconds}
    )


def alive(session: Session, lease: float = 60) -> bool:
    return has_live_worker(session, lease_seconds=lease)


def test_a_boot_is_one_row_however_often_it_beats(session: Session) -> None:
    identity = beat(session)
    age(session, 50)
    record_beat(session, identity)
    row = session.query(Worker).one()
    assert (row.id, row.kind, row.threads, row.host, row.pid) == (
        identity.id, "worker", 2, identity.host, identity.pid,
    )  # fmt: skip
    assert (row.heartbeat_at - row.started_at).total_seconds() < 30


def test_two_boots_on_one_host_are_two(session: Session) -> None:
    assert beat(session).id != beat(session).id
    assert session.query(Worker).count() == 2


def test_only_a_worker_counts_as_one(session: Session) -> None:
    assert not alive(session)
    beat(session, "scheduler")
    assert not alive(session)
    beat(session)
    assert alive(session)


def test_silence_of_a_lease_is_death_and_a_lease_is_a_minute_at_least(session: Session) -> None:
    beat(session)
    age(session, 59)
    assert alive(session, lease=2)
    age(session, 61)
    assert not alive(session, lease=2)
    assert alive(session, lease=90)


def test_one_that_was_told_to_stop_takes_nothing_new(session: Session) -> None:
    identity = beat(session)
    mark_stopping(session, identity.id)
    first = session.get_one(Worker, identity.id).stopping_at
    assert not alive(session)
    mark_stopping(session, identity.id)
    mark_stopped(session, identity.id)
    session.expire_all()
    row = session.get_one(Worker, identity.id)
    assert row.stopping_at == first
    assert row.stopped_at is not None


def test_one_that_ends_unasked_was_told_to_stop_when_it_ended(session: Session) -> None:
    identity = beat(session)
    mark_stopped(session, identity.id)
    assert session.get_one(Worker, identity.id).stopping_at is not None
    assert not alive(session)
