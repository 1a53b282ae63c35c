"""Real worker processes are killed, frozen and stopped; afterwards the rows are those of an undisturbed run."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from actors.enqueue import start_run
from miner import db
from miner.supervisor import PERIODIQ
from tests.conftest import named
from tests.factories import TESTER
from tests.support import jobs as _jobs  # noqa: F401 - registers the sixth job in this process too
from tests.support.processes import Process, eventually, scalar, state_of, worker, worker_command

pytestmark = pytest.mark.faults


def start(**args: object) -> int:
    return start_run("count", args, by=TESTER, trigger="code").run_id


def units(run_id: int) -> list[int]:
    with db.transaction() as session:
        rows = session.scalars(text("SELECT name FROM beats WHERE name LIKE :like"), {"like": f"unit:{run_id}:%"})
        return sorted(int(name.split(":")[2]) for name in rows)


def done(run_id: int) -> int:
    return int(scalar("SELECT done FROM job_run_steps WHERE run_id = :id", id=run_id))


def attempts(run_id: int) -> list[tuple[int, str | None]]:
    with db.transaction() as session:
        rows = session.execute(
            text("SELECT attempt, outcome FROM job_run_attempts WHERE run_id = :id ORDER BY lease_token"),
            {"id": run_id},
        )
        return [(row.attempt, row.outcome) for row in rows]


def test_a_killed_workers_run_goes_on_elsewhere_with_every_unit_exactly_once(database: str, tmp_path: Path) -> None:
    with worker(tmp_path / "first.log") as first:
        run_id = start(to=40, pause_ms=50)
        eventually(lambda: done(run_id) >= 5)
        first.kill()
        assert state_of(run_id) == "running", "nobody knows yet"
        with worker(tmp_path / "second.log") as second:
            eventually(lambda: state_of(run_id) == "completed", why=second.output)
    assert units(run_id) == list(range(40))
    assert scalar("SELECT counters ->> 'tickets' FROM job_runs WHERE id = :id", id=run_id) == "40"
    assert attempts(run_id) == [(1, "crashed"), (1, "completed")], "a lost worker costs no attempt"
    assert scalar("SELECT rescue_count FROM job_runs WHERE id = :id", id=run_id) == 1


def test_a_poison_run_that_kills_every_worker_ends_as_crashed(database: str, tmp_path: Path) -> None:
    run_id = start(to=5, trouble="kill", at=2)
    for number in range(3):
        process = Process(worker_command(threads=1), tmp_path / f"{number}.log", LEASE_SECONDS="2")
        assert process.popen.wait(30) == -signal.SIGKILL, process.output()
    with worker(tmp_path / "last.log"):
        eventually(lambda: state_of(run_id) == "crashed")
    assert units(run_id) == [0, 1]
    assert scalar("SELECT count(*) FROM job_run_keys") == 0


def test_sigterm_gives_the_run_back_at_its_next_unit_without_costing_an_attempt(database: str, tmp_path: Path) -> None:
    with worker(tmp_path / "first.log") as first:
        run_id = start(to=60, pause_ms=50)
        eventually(lambda: done(run_id) >= 3)
        assert first.terminate() == 0
        assert scalar("SELECT wait_reason FROM job_runs WHERE id = :id", id=run_id) == "released"
        assert scalar("SELECT stopped_at IS NOT NULL FROM workers") is True
    with worker(tmp_path / "second.log"):
        eventually(lambda: state_of(run_id) == "completed")
    assert units(run_id) == list(range(60))
    assert attempts(run_id) == [(1, "released"), (1, "completed")]
    assert scalar("SELECT rescue_count FROM job_runs WHERE id = :id", id=run_id) == 0


def test_sigterm_with_a_blocked_call_gives_the_run_back_before_the_platform_kills(
    database: str, tmp_path: Path
) -> None:
    with worker(tmp_path / "first.log", lease=30) as first:
        run_id = start(trouble="hang", at=1)
        eventually(lambda: done(run_id) == 1)
        first.terminate(within=30)
        assert scalar("SELECT wait_reason FROM job_runs WHERE id = :id", id=run_id) == "released"
    assert attempts(run_id) == [(1, "released")]


def test_sigterm_twice_ends_the_worker_at_once_and_the_run_is_rescued(database: str, tmp_path: Path) -> None:
    with worker(tmp_path / "first.log") as first:
        run_id = start(to=3, trouble="hang_once", at=1)
        eventually(lambda: done(run_id) == 1)
        first.popen.send_signal(signal.SIGTERM)
        eventually(lambda: scalar("SELECT stopping_at IS NOT NULL FROM workers"))
        first.popen.send_signal(signal.SIGTERM)
        first.popen.wait(15)
    with worker(tmp_path / "second.log"):
        eventually(lambda: state_of(run_id) == "completed")
    assert units(run_id) == [0, 1, 2]


def test_a_worker_frozen_past_its_lease_wakes_up_and_its_writes_touch_no_row(database: str, tmp_path: Path) -> None:
    with worker(tmp_path / "first.log") as first:
        run_id = start(to=40, pause_ms=50)
        eventually(lambda: done(run_id) >= 3)
        first.signal(signal.SIGSTOP)
        with worker(tmp_path / "second.log") as second:
            eventually(lambda: len(attempts(run_id)) == 2, why=second.output)
            first.signal(signal.SIGCONT)
            eventually(lambda: state_of(run_id) == "completed", why=second.output)
            eventually(lambda: "held by another worker" in first.output(), why=first.output)
    assert units(run_id) == list(range(40))
    assert attempts(run_id) == [(1, "crashed"), (1, "completed")]


def test_duplicate_and_reordered_bells_run_each_run_once(database: str, tmp_path: Path) -> None:
    from actors.broker import ring_all

    runs = [start_run(job, {}, by=TESTER, trigger="code").run_id for job in ("count", "trends", "sync")]
    pairs = list(zip(runs, ("count", "trends", "sync"), strict=True))
    for pair in [*reversed(pairs), *pairs, (9999, "count")]:
        ring_all([pair])
    with worker(tmp_path / "worker.log"):
        eventually(lambda: scalar("SELECT count(*) FROM job_runs WHERE finished_at IS NULL") == 0)
        eventually(lambda: scalar("SELECT count(*) FROM dramatiq.queue") == 0, why="every bell was taken")
    assert all(len(attempts(run_id)) == 1 for run_id in runs)


def test_a_bell_lost_by_the_broker_is_rung_again(database: str, tmp_path: Path) -> None:
    run_id = start(to=2)
    with db.transaction() as session:
        session.execute(text("DELETE FROM dramatiq.queue"))
        session.execute(
            text(
                "UPDATE job_runs SET rung_at = rung_at - interval '1 minute', run_after = run_after - interval '1 hour'"
            )
        )
    with worker(tmp_path / "worker.log"):
        eventually(lambda: state_of(run_id) == "completed")


def test_with_every_actor_thread_blocked_schedules_rescue_and_cancel_still_work(database: str, tmp_path: Path) -> None:
    with worker(tmp_path / "blocked.log", threads=1):
        run_id = start(trouble="hang", at=0)
        eventually(lambda: state_of(run_id) == "running")
        with db.transaction() as session:
            session.execute(
                text("""
                    UPDATE schedules SET cron = '* * * * *', evaluated_until = now() - interval '1 minute',
                        next_fire_at = NULL WHERE id = 'hourly_trends'""")
            )
        eventually(lambda: scalar("SELECT count(*) FROM schedule_ticks WHERE outcome = 'launched'"))
        lost = start_run("analyze", {}, by=TESTER, trigger="code").run_id
        with db.transaction() as session:
            from miner.runs import lifecycle
            from miner.runs.workers import Identity

            assert lifecycle.claim(session, lost, Identity("worker").id, lease_seconds=0)
        eventually(lambda: state_of(lost) == "waiting")
        with db.transaction() as session:
            assert lifecycle.request_cancel(session, lost, by=TESTER) == "cancelled"
            assert lifecycle.request_cancel(session, run_id, by=TESTER) == "running"
        eventually(lambda: state_of(run_id) == "cancelled", within=40, why="the blocked run itself can be cancelled")


def test_a_worker_that_boots_on_a_database_without_our_schema_ends_instead_of_working_alone(
    server_url: str, tmp_path: Path
) -> None:
    process = Process(worker_command(threads=1), tmp_path / "worker.log", DATABASE_URL=named(server_url, "postgres"))
    assert process.popen.wait(30) == 1, process.output()
    assert "the worker cannot start" in process.output()


def test_ctrl_c_of_an_import_is_obeyed_and_the_run_goes_on_later(database: str, tmp_path: Path) -> None:
    path = tmp_path / "many.ndjson"
    path.write_text(
        "\n".join(
            f'{{"id": {number}, "subject": "s", "description": "d", "created_at": "2026-11-01T00:00:00Z"}}'
            for number in range(60_000)
        )
    )
    # A shell that starts this suite in the background has SIGINT ignored, and children inherit that.
    hears = "import signal, sys; signal.signal(2, signal.default_int_handler)"
    listening = f"{hears}; from miner.cli import main; sys.exit(main())"
    process = Process([sys.executable, "-c", listening, "import", str(path)], tmp_path / "import.log")
    eventually(lambda: scalar("SELECT done > 1000 FROM job_run_steps"), why=process.output)
    process.popen.send_signal(signal.SIGINT)
    assert process.popen.wait(20) == 1, process.output()
    assert state_of(scalar("SELECT id FROM job_runs")) in ("waiting", "running"), "it is not over: it goes on later"
    done = scalar("SELECT done FROM job_run_steps")
    assert scalar("SELECT count(*) FROM tickets") == done < 60_000


def test_two_schedulers_at_once_fire_each_time_once(database: str, tmp_path: Path) -> None:
    with db.transaction() as session:
        session.execute(
            text(
                "UPDATE schedules SET cron = '* * * * *', next_fire_at = NULL,"
                " evaluated_until = now() - interval '1 minute'"
            )
        )
    schedulers = [
        Process([sys.executable, "-c", PERIODIQ, "actors"], tmp_path / f"{number}.log") for number in range(2)
    ]
    try:
        with worker(tmp_path / "worker.log", lease=60):
            eventually(lambda: scalar("SELECT count(*) FROM workers WHERE kind = 'scheduler'") == 2, within=90)
            eventually(lambda: scalar("SELECT count(*) FROM schedule_ticks") >= 2)
    finally:
        for process in schedulers:
            process.kill()
    assert scalar("SELECT count(*) FROM job_runs") == scalar(
        "SELECT count(DISTINCT (schedule_id, scheduled_for)) FROM job_runs"
    )
