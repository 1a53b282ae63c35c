"""The same promises on all three brokers, with real servers: no lost run, whatever happens to worker or broker."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ROOT, eventually, scalar, state_of, worker
from tests.support.servers import BrokerServer, RabbitServer, RedisServer

pytestmark = pytest.mark.faults

SEND = """
import sys
from miner import errors
import tests.support.jobs
from tests.support.jobs import count_actor
try:
    print(count_actor.send(**eval(sys.argv[1])).args[0])
except errors.BrokerUnavailable as error:
    print(error.run_id, "unavailable")
"""


@pytest.fixture(params=["default", "redis", "rabbitmq"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BrokerServer | None]:
    if request.param == "default":
        yield None
        return
    server = (RedisServer if request.param == "redis" else RabbitServer)(tmp_path)
    server.start()
    monkeypatch.setenv("BROKER_URL", server.url)
    yield server
    server.stop(9)


def send(**args: object) -> tuple[int, bool]:
    """Send from a process of its own, whose broker is the one under test; returns (run id, whether it rang)."""
    done = subprocess.run(
        [sys.executable, "-c", SEND, repr(args)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    words = done.stdout.strip().splitlines()[-1].split()
    return int(words[0]), len(words) == 1


def units(run_id: int) -> int:
    return int(scalar("SELECT count(*) FROM beats WHERE name LIKE :like", like=f"unit:{run_id}:%"))


def test_a_run_is_rung_and_done(database: str, server: BrokerServer | None, tmp_path: Path) -> None:
    with worker(tmp_path / "worker.log") as process:
        run_id, rang = send(to=3)
        assert rang
        eventually(lambda: state_of(run_id) == "completed", why=process.output)
    assert scalar("SELECT rescue_count + ring_count FROM job_runs WHERE id = :id", id=run_id) == 0


def test_a_killed_workers_run_is_done_by_the_next_one(
    database: str, server: BrokerServer | None, tmp_path: Path
) -> None:
    with worker(tmp_path / "first.log") as first:
        run_id, _ = send(to=30, pause_ms=50)
        eventually(lambda: units(run_id) >= 3, why=first.output)
        first.kill()
    with worker(tmp_path / "second.log") as second:
        eventually(lambda: state_of(run_id) == "completed", why=second.output)
    assert units(run_id) == 30


def test_the_brokers_restart_in_the_middle_loses_nothing(
    database: str, server: BrokerServer | None, tmp_path: Path
) -> None:
    if server is None:
        pytest.skip("the default broker's restart is that of the database: tests/faults/test_database_restarts.py")
    with worker(tmp_path / "worker.log") as process:
        first, _ = send(to=60, pause_ms=50)
        eventually(lambda: units(first) >= 3, why=process.output)
        server.stop(9)
        server.start()
        eventually(lambda: state_of(first) == "completed", why=process.output)
        second, _ = send(to=3)
        eventually(lambda: state_of(second) == "completed", within=60, why=process.output)
    assert (units(first), units(second)) == (60, 3)


def test_a_broker_that_is_down_at_the_trigger_leaves_the_run_queued_and_it_starts_when_it_is_back(
    database: str, server: BrokerServer | None, tmp_path: Path
) -> None:
    if server is None:
        pytest.skip("the default broker is the database")
    with worker(tmp_path / "worker.log") as process:
        server.stop(9)
        run_id, rang = send(to=3)
        assert not rang, "the caller is told"
        assert state_of(run_id) == "queued"
        server.start()
        eventually(lambda: state_of(run_id) == "completed", within=90, why=process.output)
    assert units(run_id) == 3
