"""Real processes for tests: workers and schedulers as the Procfile starts them, on a test's database, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from miner import db

ROOT = Path(__file__).parent.parent.parent
LEASE = 2


def eventually(
    true: Callable[[], Any], *, within: float = 30.0, why: str | Callable[[], str] = "it did not come true"
) -> Any:
    """Wait for a condition and return what it returned. `why` may be a function: what a process had said by then."""
    give_up = time.monotonic() + within
    while True:
        found = true()
        if found:
            return found
        if time.monotonic() > give_up:
            raise AssertionError(why if isinstance(why, str) else why())
        time.sleep(0.05)


def scalar(statement: str, **values: Any) -> Any:
    with db.transaction() as session:
        return session.scalar(text(statement), values)


def state_of(run_id: int) -> str:
    return str(scalar("SELECT state FROM job_runs WHERE id = :id", id=run_id))


class Process:
    """One process group; its output goes to a file that a failing test prints."""

    def __init__(self, command: list[str], log: Path, **environ: str) -> None:
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONWARNINGS": "default", **environ},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """Send a signal to the whole group, as `kill -9` of a container does."""
        try:
            os.killpg(self.popen.pid, number)
        except ProcessLookupError:
            pass

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.popen.wait(10)

    def terminate(self, *, within: float = 28) -> int:
        """SIGTERM to the main process, as a platform does; return the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(within)

    def output(self) -> str:
        return self.log.read_text(errors="replace")


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def worker_command(*, threads: int) -> list[str]:
    return python("dramatiq", "actors", "tests.support.jobs", "--processes", "1", "--threads", str(threads),
                  "--worker-shutdown-timeout", "25000")  # fmt: skip


@contextmanager
def worker(log: Path, *, threads: int = 2, lease: int = LEASE, **environ: str) -> Iterator[Process]:
    """A worker that has registered itself; killed at the end if it still runs."""
    before = scalar("SELECT count(*) FROM workers WHERE kind = 'worker'")
    process = Process(worker_command(threads=threads), log, LEASE_SECONDS=str(lease), **environ)
    try:
        eventually(
            lambda: (
                scalar("SELECT count(*) FROM workers WHERE kind = 'worker'") > before
                or process.popen.poll() is not None
            ),
            why=lambda: f"the worker did not come up: {process.output()}",
        )
        assert process.popen.poll() is None, process.output()
        yield process
    finally:
        process.kill()
