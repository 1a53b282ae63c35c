"""`miner demo` and `miner up` as a newcomer meets them: no database, no configuration, real processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ROOT, Process, eventually, python
from tests.support.servers import free_port
from tests.support.web import fetch

pytestmark = pytest.mark.faults


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="miner-one-"))
    folder.chmod(0o755)  # as root, the account that runs Postgres must come through
    yield folder / ".miner"
    shutil.rmtree(folder, ignore_errors=True)


def run(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        python("miner", *arguments),
        cwd=ROOT,
        env={**os.environ, "MINER_HOME": str(home), **environ},
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_the_demo_shows_themes_of_the_sample_and_can_be_repeated_and_removed(home: Path) -> None:
    port = str(free_port())
    first = run(home, "demo", "--exit", "--port", port)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "run 1 (import) completed" in first.stderr
    assert "run 2 (pipeline) completed" in first.stderr
    assert f"http://localhost:{port}" in first.stderr
    lines = [line for line in first.stdout.splitlines() if line.strip()]
    assert lines[0].startswith("The largest of ")
    assert len(lines) > 5
    again = run(home, "demo", "--exit", "--port", port)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout, "the same rows, the same themes"
    removed = run(home, "demo", "--remove")
    assert removed.returncode == 0, removed.stderr
    empty = run(home, "demo", "--remove")
    assert empty.returncode == 0, "twice is the same as once"


def test_a_taken_port_is_said_before_anything_is_started(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(home, "up", "--port", port)
    assert done.returncode == 4
    assert f"port {port} on 127.0.0.1 cannot be used" in done.stderr
    assert "PORT" in done.stderr
    assert not home.exists()


def test_up_serves_restarts_a_killed_worker_and_ends_in_order(home: Path, tmp_path: Path) -> None:
    port = free_port()
    up = Process(python("miner", "up", "--port", str(port)), tmp_path / "up.log", MINER_HOME=str(home))
    address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: fetch(f"{address}/healthz")[0] == 200, why=up.output)
        second = run(home, "up", "--port", str(free_port()))
        assert second.returncode == 4
        assert "already running" in second.stderr
        joined = run(home, "runs", "list")
        assert joined.returncode == 0, "another command joins the running server"
        workers = eventually(lambda: _pids("dramatiq", up.popen.pid), why=up.output)
        os.kill(workers[0], signal.SIGKILL)
        eventually(lambda: "The worker process ended" in up.output(), why=up.output)
        eventually(lambda: set(_pids("dramatiq", up.popen.pid)) - set(workers), why=up.output)
        assert up.terminate() == 0, up.output()
    finally:
        up.kill()
    assert run(home, "runs", "list").returncode == 4, "the database ended with its owner"


def test_nothing_outlives_a_supervisor_that_is_killed(home: Path, tmp_path: Path) -> None:
    import psutil

    port = free_port()
    up = Process(python("miner", "up", "--port", str(port)), tmp_path / "up.log", MINER_HOME=str(home))
    try:
        eventually(lambda: fetch(f"http://127.0.0.1:{port}/healthz")[0] == 200, why=up.output)
        children = [child for child in psutil.Process(up.popen.pid).children() if "postgres" not in child.name()]
        assert len(children) == 3
        up.popen.kill()
        up.popen.wait(10)
        _, alive = psutil.wait_procs(children, timeout=28)
        assert not alive, "web, worker and scheduler end with the one that started them"
        again = run(home, "demo", "--remove", PORT=str(port))
        assert again.returncode == 0, "the next owner copes with the database that was left: " + again.stderr
    finally:
        up.kill()


def _pids(word: str, parent: int) -> list[int]:
    """Children of `parent` whose command line has `word`."""
    import psutil

    return sorted(
        child.pid
        for child in psutil.Process(parent).children()
        if child.is_running() and child.status() != psutil.STATUS_ZOMBIE and word in " ".join(child.cmdline())
    )


def test_the_wheel_works_outside_the_checkout(home: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    target = tmp_path / "installed"
    shutil.unpack_archive(wheel, target, "zip")
    done = subprocess.run(
        python("miner", "demo", "--exit", "--port", str(free_port())),
        cwd=tmp_path,
        env={**os.environ, "MINER_HOME": str(home), "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    where = subprocess.run(
        [sys.executable, "-c", "import miner, actors, dashboard, migrations; print(miner.__path__[0])"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(target)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(target))
