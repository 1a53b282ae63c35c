"""Servers as processes: which one serves a data directory, and how it is stopped without touching any other process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from miner.postgres_account import PostgresError

# Fast shutdown with a checkpoint; immediate shutdown (recovery follows); what only a stopped process needs.
_SIGNALS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))


def read_pid(data: Path) -> int | None:
    """The process id in `postmaster.pid`, which may be stale and name any process, or None."""
    try:
        return int((data / "postmaster.pid").read_text("utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def serves(pid: int, data: Path) -> bool:
    """Whether `pid` is now a `postgres` with `-D data` on its command line; False for dead ones and zombies."""
    if Path("/proc/self/cmdline").exists():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        folder = os.fsencode(data)
        named = any(pair == (b"-D", folder) for pair in pairwise(words))
        return named and os.path.basename(words[0]) == b"postgres"
    listed = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False).stdout
    return b"postgres -D " + os.fsencode(data) + b" " in listed


def stop_leftover(data: Path, say: Callable[[str], None]) -> int | None:
    """Stop the server that a killed owner left behind on `data`; the caller holds the lock.

    Returns the process id that a stale `postmaster.pid` names although that process is not a server of `data`: an
    innocent one, which is never signalled.
    """
    pid = read_pid(data)
    if pid is None or not serves(pid, data):
        return pid
    say(f"Stopping the Postgres that an earlier run left behind (process {pid})")
    if not stop_process(pid, lambda: not serves(pid, data)):
        raise PostgresError(f"the Postgres of an earlier run, process {pid} on {data}, cannot be stopped: end it first")
    return None


def stop_process(pid: int, ended: Callable[[], bool]) -> bool:
    """Ask the server `pid` to stop, then insist; whether it `ended()`."""
    for number, patience in _SIGNALS:
        if ended():
            return True
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            break
        deadline = time.monotonic() + patience
        while not ended() and time.monotonic() < deadline:
            time.sleep(0.01)
    return ended()
