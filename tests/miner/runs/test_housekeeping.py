from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db, logs
from miner.logs import LINES, Line
from miner.models import JobRun, JobRunEvent, Worker
from miner.runs import events, lifecycle
from miner.runs.creation import create_run
from miner.runs.events import record_lines
from miner.runs.holds import Hold, Holds
from miner.runs.housekeeping import Housekeeper
from miner.runs.jobs import get_job
from miner.runs.workers import Identity
from tests.factories import TESTER, make_run


class Home:
    """A process's housekeeping with a short lease, and the bells it rang."""

    def __init__(self, url: str, *, lease: float = 2.0, follow: bool = True) -> None:
        self.identity, self.holds, self.rung = Identity("worker", threads=1), Holds(), list[int]()
        self.broken = False
        self.lease = lease
        self.keeper = Housekeeper(
            db.make_engine(url, size=1),
            self.identity,
            self.holds,
            ring=self.ring,
            lease_seconds=lease,
            follow=follow,
        )

    def ring(self, runs: list[tuple[int, str]]) -> None:
        if self.broken:
            raise ConnectionError("the broker is away")
        self.rung += [run_id for run_id, _ in runs]

    def hold(self, job: str = "analyze") -> Hold:
        with db.transaction() as session:
            run_id, _ = create_run(session, get_job(job), {}, by=TESTER, trigger="code")
        with db.transaction() as session:
            claim = lifecycle.claim(session, run_id, self.identity.id, lease_seconds=self.lease)
        assert claim is not None
        return self.holds.add(claim)


@contextmanager
def working(url: str, *, follow: bool = True) -> Iterator[Home]:
    """A home whose thread has begun and ends with the block, also when the test fails."""
    home = Home(url, follow=follow)
    home.keeper.start()
    try:
        yield home
    finally:
        home.keeper.finish()


@pytest.fixture
def home(database: str) -> Iterator[Home]:
    with working(database) as home:
        yield home


def eventually(true: Callable[[], object], within: float = 15.0) -> None:
    give_up = time.monotonic() + within
    while not true():
        assert time.monotonic() < give_up, "it did not come true"
        time.sleep(0.02)


def scalar(statement: str) -> object:
    with db.transaction() as session:
        return session.scalar(text(statement))


def test_a_held_run_keeps_its_lease_for_longer_than_the_lease(home: Home) -> None:
    hold = home.hold()
    first = scalar("SELECT lease_expires_at FROM job_runs")
    eventually(lambda: scalar("SELECT lease_expires_at - interval '3 seconds' FROM job_runs") > first)  # type: ignore[operator]
    assert not hold.lost.is_set()
    assert scalar("SELECT state FROM job_runs") == "running"


def test_a_run_that_another_worker_holds_is_marked_lost(home: Home) -> None:
    hold = home.hold()
    with db.transaction() as session:
        session.execute(text("UPDATE job_runs SET lease_token = lease_token + 1"))
    eventually(hold.lost.is_set)


def test_a_cancel_request_reaches_the_thread_within_a_second_or_two(home: Home) -> None:
    hold = home.hold()
    with db.transaction() as session:
        lifecycle.request_cancel(session, hold.claim.run_id, by=TESTER)
    eventually(hold.cancel.is_set)


def test_a_dead_workers_run_is_rescued_and_rung(home: Home) -> None:
    with db.transaction() as session:
        run_id, _ = create_run(session, get_job("analyze"), {}, by=TESTER, trigger="code")
    with db.transaction() as session:
        lifecycle.claim(session, run_id, Identity("worker").id, lease_seconds=0)
    eventually(lambda: run_id in home.rung)
    assert scalar("SELECT wait_reason FROM job_runs") == "rescue"


def test_a_lost_bell_is_rung_again_and_a_broker_that_is_away_is_waited_for(home: Home) -> None:
    home.broken = True
    with db.transaction() as session:
        run_id, _ = create_run(session, get_job("analyze"), {}, by=TESTER, trigger="code")
        session.execute(text("UPDATE job_runs SET rung_at = NULL"))
    eventually(lambda: scalar("SELECT ring_count FROM job_runs") != 0)
    home.broken = False
    eventually(lambda: run_id in home.rung)


@pytest.mark.parametrize("follow", [True, False])
def test_what_follows_from_a_waiting_pipeline_is_started_and_rung_where_somebody_works_it(
    database: str, follow: bool
) -> None:
    with working(database, follow=follow) as home:
        with db.transaction() as session:
            run_id, _ = create_run(session, get_job("pipeline"), {}, by=TESTER, trigger="code")
            claim = lifecycle.claim(session, run_id, home.identity.id)
            assert claim is not None
            session.execute(
                text("UPDATE job_run_steps SET state = 'running', started_at = now(), done = 7 WHERE name = 'analyze'")
            )
            lifecycle.wait(session, claim, "batch", "later", delay_seconds=600, keep="analyze")
        for _ in range(2):  # a beat begins with its row, so the first one is over with the second
            before = scalar("SELECT max(heartbeat_at) FROM workers")
            eventually(lambda before=before: scalar("SELECT max(heartbeat_at) FROM workers") != before)
        eventually(lambda: home.rung or not follow)
        assert scalar("SELECT count(*) FROM job_runs WHERE job_name = 'regroup'") == (1 if follow else 0)


def test_schedules_fire_without_any_scheduler_and_with_every_actor_thread_blocked(home: Home) -> None:
    with db.transaction() as session:
        session.execute(
            text("""
                INSERT INTO schedules (id, title, job_name, cron, evaluated_until)
                VALUES ('minutely', 'Minutely', 'trends', '* * * * *', now() - interval '2 minutes')""")
        )
    eventually(lambda: home.rung)
    assert scalar("SELECT outcome FROM schedule_ticks ORDER BY fire_at DESC LIMIT 1") == "launched"


def test_a_stopping_process_gives_back_what_a_blocked_thread_still_holds(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("miner.runs.housekeeping.RELEASE_SECONDS", 0.2)
    hold = home.hold()
    eventually(lambda: scalar("SELECT count(*) FROM workers") == 1)
    home.keeper.begin_stopping()
    eventually(hold.lost.is_set)
    assert scalar("SELECT wait_reason FROM job_runs") == "released"
    assert scalar("SELECT stopping_at IS NOT NULL FROM workers") is True


@pytest.mark.parametrize("why", ["deadline", "cancel"])
def test_a_step_that_hangs_past_its_deadline_or_a_cancel_is_ended_without_its_thread(
    home: Home, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr("miner.runs.housekeeping.RELEASE_SECONDS", 0.2)
    if why == "deadline":
        monkeypatch.setattr(Hold, "worked_seconds", property(lambda hold: 10.0**9))
    hold = home.hold()
    if why == "cancel":
        with db.transaction() as session:
            lifecycle.request_cancel(session, hold.claim.run_id, by=TESTER)
    eventually(hold.lost.is_set)
    eventually(lambda: scalar("SELECT state FROM job_runs") == ("failed" if why == "deadline" else "cancelled"))
    assert scalar("SELECT count(*) FROM job_run_keys") == 0


def test_all_lines_are_written_at_the_end_of_a_process(database: str) -> None:
    home = Home(database)
    run_id = home.hold().claim.run_id
    for number in range(2_500):
        LINES.put(Line(run_id, "info", "line", str(number), None))
    home.keeper.finish()
    assert scalar("SELECT count(*) FROM job_run_events WHERE name = 'line'") == 2_500


def test_one_line_that_cannot_be_stored_does_not_take_others_with_it(home: Home) -> None:
    run_id = home.hold().claim.run_id
    LINES.put(Line(run_id, "nonsense", "bad", "its level is none", None))
    LINES.put(Line(run_id, "info", "good", "this one is kept", None))
    eventually(lambda: scalar("SELECT count(*) FROM job_run_events WHERE name = 'good'"))


def test_after_an_outage_other_workers_get_the_time_to_renew_before_anybody_reaps(database: str) -> None:
    keeper = Home(database, lease=4.0).keeper
    assert not keeper._steady(), "it has only just reached the database"
    keeper._steady_since = time.monotonic() - 2.0
    assert keeper._steady()
    with db.transaction() as session:
        session.execute(text("ALTER TABLE workers RENAME TO elsewhere"))
    keeper._guarded(keeper._every_beat)
    assert not keeper._steady(), "a round that failed begins the wait anew"
    keeper.finish()


def test_a_process_that_ends_says_so_and_gives_everything_back(database: str) -> None:
    with working(database) as home:
        home.hold()
        eventually(lambda: scalar("SELECT count(*) FROM workers") == 1)
    with db.transaction() as session:
        worker = session.query(Worker).one()
    assert worker.stopped_at is not None
    assert (worker.kind, worker.host, worker.pid) == ("worker", home.identity.host, home.identity.pid)
    assert scalar("SELECT state FROM job_runs") == "waiting"


def test_an_ordinary_log_call_inside_a_step_ends_up_on_the_runs_page(home: Home) -> None:
    hold = home.hold()
    log = logs.get_logger("miner.test")
    with logs.bound_to_run(hold.claim.run_id, "analyze", "analyze"):
        log.warning("page_stored", message="Stored 5 tickets", tickets=5, api_key="sk-ant-secret", text="my own words")
    log.warning("elsewhere", message="not of this run")
    eventually(lambda: scalar("SELECT count(*) FROM job_run_events WHERE name = 'page_stored'"))
    with db.transaction() as session:
        line = session.query(JobRunEvent).filter_by(name="page_stored").one()
        assert (line.level, line.message, line.step) == ("warning", "Stored 5 tickets", "analyze")
        assert line.data == {"tickets": 5, "api_key": "***", "text": "(ticket text)"}
        assert session.get_one(JobRun, hold.claim.run_id).warning_count == 1
        assert session.query(JobRunEvent).filter_by(name="elsewhere").count() == 0


def test_lines_survive_a_database_that_is_away_for_a_moment(home: Home, database: str) -> None:
    hold = home.hold()
    with db.transaction() as session:
        session.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                 " AND pid <> pg_backend_pid()")
        )  # fmt: skip
    LINES.put(Line(hold.claim.run_id, "info", "after_the_cut", "still here", None))
    eventually(lambda: scalar("SELECT count(*) FROM job_run_events WHERE name = 'after_the_cut'") == 1)


def test_a_run_keeps_a_bounded_log_and_says_where_it_is_cut(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_LINES", 10)
    run = make_run(session)
    for start in (0, 8, 16):
        record_lines(session, [Line(run.id, "info", "line", f"{start + i}", None) for i in range(8)])
    messages = [row.message for row in session.query(JobRunEvent).order_by(JobRunEvent.id)]
    assert messages == [str(number) for number in range(10)] + ["The log is cut here: 10 lines are kept"]


def test_lines_of_a_run_that_is_gone_are_dropped_quietly(session: Session) -> None:
    run = make_run(session)
    record_lines(session, [Line(999, "info", "line", "lost", None), Line(run.id, "info", "line", "kept", None)])
    assert [row.message for row in session.query(JobRunEvent)] == ["kept"]


def test_lines_with_bytes_that_postgres_refuses_are_made_storable(session: Session) -> None:
    run = make_run(session)
    with logs.bound_to_run(run.id, "analyze"):
        logs.get_logger("miner.test").warning("odd", message="nul \x00 and \ud800 surrogate", value="a\x00b\udfff")
    record_lines(session, LINES.take())
    line = session.query(JobRunEvent).one()
    assert line.message == "nul  and ? surrogate"
    assert line.data == {"value": "ab?"}


def test_a_line_carries_the_time_at_which_it_was_logged_not_written(session: Session) -> None:
    run = make_run(session)
    record_lines(session, [Line(run.id, "info", "late", "written late", None, since=time.monotonic() - 30)])
    age = session.scalar(text("SELECT extract(epoch FROM clock_timestamp() - at) FROM job_run_events"))
    assert age is not None
    assert 29 < float(age) < 40


def test_a_process_that_stops_rings_nobody(database: str, session: Session) -> None:
    home = Home(database)
    make_run(session, job_name="trends")
    session.commit()
    home.holds.stopping.set()
    home.keeper._guarded(home.keeper._every_beat)
    assert home.rung == []
    home.holds.stopping.clear()
    home.keeper._guarded(home.keeper._every_beat)
    assert len(home.rung) >= 1
    home.keeper.finish()
