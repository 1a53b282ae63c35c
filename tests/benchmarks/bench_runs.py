"""The job engine: trigger to running, the price of a tracked run, lists and strips at 10 thousand and 1 million runs.

The alternative in the same run is a bare Dramatiq actor on the same broker, with the same worker process.
"""

from __future__ import annotations

import time
from pathlib import Path

import dramatiq
import pytest
from sqlalchemy import text

from actors.broker import broker
from actors.enqueue import start_run
from miner import db
from tests.benchmarks.harness import database, headline, median, quantile
from tests.factories import TESTER
from tests.support import bare, jobs
from tests.support.processes import Process, eventually, python, scalar

assert jobs.COUNT
pytestmark = pytest.mark.benchmark


def worker(folder: Path) -> Process:
    command = python("dramatiq", "actors", "tests.support.jobs", "tests.support.bare", "-p", "1", "-t", "3")
    process = Process(command, folder / "worker.log")
    eventually(lambda: scalar("SELECT count(*) FROM workers"), why=process.output)
    return process


def trigger_to_running(samples: int = 200) -> None:
    for _ in range(samples):
        run_id = start_run("count", {"to": 1}, by=TESTER, trigger="code").run_id
        eventually(lambda: scalar("SELECT finished_at FROM job_runs WHERE id = :id", id=run_id))  # noqa: B023
    with db.transaction() as session:
        waits = [
            float(wait)
            for wait in session.scalars(
                text("SELECT extract(epoch FROM started_at - created_at) * 1000 FROM job_runs WHERE job_name = 'count'")
            )
        ]
    p95 = quantile(waits, 0.95)
    print(f"trigger to running, idle worker, {len(waits)} runs: p50 {median(waits):.1f} ms, p95 {p95:.1f} ms")


def tracked_against_bare(samples: int = 200) -> None:
    """Seconds from sending to the row that the work writes, one at a time."""

    def tracked(number: int) -> str:
        run_id = start_run("count", {"to": 1}, by=TESTER, trigger="code").run_id
        return f"unit:{run_id}:0"

    def untracked(number: int) -> str:
        name = f"bare:{number}"
        broker.enqueue(dramatiq.Message("runs", bare.bare.actor_name, (name,), {}, {}))
        return name

    # A run holds its key until it has ended, a little after its row is seen: other keys than the one before.
    ours, theirs = [], []
    for _ in range(samples):
        theirs += measure_once(untracked, len(theirs))
        ours += measure_once(tracked, len(ours))
        eventually(lambda: not scalar("SELECT count(*) FROM job_run_keys"))
    print(
        f"send to row, {samples} each: tracked run p50 {median(ours):.1f} ms, bare actor p50 {median(theirs):.1f} ms, "
        f"ratio {median(ours) / median(theirs):.1f}"
    )


def measure_once(send: object, number: int) -> list[float]:
    began = time.perf_counter()
    name = send(number)  # type: ignore[operator]
    while not scalar("SELECT 1 FROM beats WHERE name = :name", name=name):
        time.sleep(0.001)
    return [(time.perf_counter() - began) * 1000]


FILL = text("""
    INSERT INTO job_runs (job_name, state, trigger, triggered_by, created_at, started_at, finished_at, attempt,
        error_class, error_message)
    SELECT (ARRAY['sync','analyze','cluster','trends','pipeline'])[1 + n % 5],
        CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'completed' END, 'code', 'bench',
        now() - make_interval(secs => n), now() - make_interval(secs => n), now() - make_interval(secs => n - 1), 1,
        CASE WHEN n % 50 = 0 THEN 'E' END, CASE WHEN n % 50 = 0 THEN 'e' END
    FROM generate_series(:first, :last, -1) AS n""")


def lists() -> None:
    from miner.runs import queries

    results: dict[str, list[float]] = {}
    filled = 0
    for size in (10_000, 1_000_000):
        with db.transaction() as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            session.execute(FILL, {"first": size, "last": filled + 1})
        filled = size
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE job_runs"))
        for name, look in LOOKS.items():
            results.setdefault(name, []).append(timed(queries, look))
    for name, (small, large) in results.items():
        print(f"{name}: {small:.1f} ms at 10 thousand runs, {large:.1f} ms at 1 million, ratio {large / small:.2f}")


def timed(queries: object, look: object, repeat: int = 30) -> float:
    times = []
    for _ in range(repeat):
        with db.transaction() as session:
            began = time.perf_counter()
            look(queries, session)  # type: ignore[operator]
            times.append((time.perf_counter() - began) * 1000)
    return median(times)


STRIP = text("""
    SELECT job.name, strip.* FROM unnest(ARRAY['sync','analyze','cluster','trends','pipeline']) AS job(name)
    CROSS JOIN LATERAL (SELECT id, state, started_at, finished_at FROM job_runs WHERE job_name = job.name
        ORDER BY id DESC LIMIT 60) AS strip""")
LOOKS = {
    "newest page of the list": lambda queries, session: queries.list_runs(session),
    "failed runs": lambda queries, session: queries.list_runs(session, state="failed"),
    "runs of one job": lambda queries, session: queries.list_runs(session, job="analyze"),
    "strips of 60 runs for five jobs": lambda queries, session: session.execute(STRIP).all(),
}


def test_the_job_engine(tmp_path: Path) -> None:
    headline("Job engine")
    with database():
        process = worker(tmp_path)
        try:
            trigger_to_running()
            tracked_against_bare()
        finally:
            process.kill()
        lists()
