"""The demo's pipeline by step, the peak memory of web and worker, and the server time of every page of the sample."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from actors.enqueue import start_run
from miner import db
from miner.tickets.sample import sample_path
from tests.benchmarks.harness import database, headline, quantile
from tests.factories import TESTER
from tests.support.processes import Process, eventually, python, scalar, state_of
from tests.support.servers import free_port
from tests.support.web import fetch

pytestmark = pytest.mark.benchmark
PAGES = ("/", "/themes", "/themes/1", "/issues", "/tickets", "/tickets/1", "/customers", "/runs", "/runs/2",
         "/schedules", "/system", "/settings")  # fmt: skip


def peak_mb(process: Process) -> float:
    """The largest peak of the process and its children, by the kernel's high-water mark (Linux)."""
    family = [psutil.Process(process.popen.pid), *psutil.Process(process.popen.pid).children(recursive=True)]
    marks = []
    for member in family:
        status = Path(f"/proc/{member.pid}/status").read_text()
        marks += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    return max(marks)


def test_the_demo(tmp_path: Path) -> None:
    headline("The demo: 1,076 real user reports")
    port = free_port()
    with database():
        worker = Process(python("dramatiq", "actors", "-p", "1", "-t", "3"), tmp_path / "worker.log")
        web = Process(
            python("uvicorn", "--factory", "dashboard.app:create_app", "--port", str(port), "--no-access-log"),
            tmp_path / "web.log",
        )
        try:
            eventually(lambda: scalar("SELECT count(*) FROM workers"), why=worker.output)
            for job, args in (("import", {"path": str(sample_path()), "source": "sample"}), ("pipeline", {})):
                run_id = start_run(job, args, by=TESTER, trigger="cli").run_id
                eventually(lambda: state_of(run_id) == "completed", within=120, why=worker.output)  # noqa: B023
            with db.transaction() as session:
                for row in session.execute(
                    text("""
                        SELECT name, state, done, unit, extract(epoch FROM finished_at - started_at) AS seconds
                        FROM job_run_steps ORDER BY run_id, position""")
                ):
                    took = "" if row.seconds is None else f"{row.seconds:.2f} s"
                    print(f"step {row.name:8} {row.state:9} {row.done:>5,} {row.unit:8} {took}")
            base = f"http://127.0.0.1:{port}"
            eventually(lambda: fetch(base + "/healthz")[0] == 200, why=web.output)
            for page in PAGES:
                times = []
                for _ in range(30):
                    began = time.perf_counter()
                    status, _ = fetch(base + page)
                    times.append((time.perf_counter() - began) * 1000)
                    assert status == 200
                print(f"page {page:12} p50 {statistics.median(times):5.1f} ms, p95 {quantile(times, 0.95):5.1f} ms")
            print(f"peak memory: worker {peak_mb(worker):.0f} MB, web {peak_mb(web):.0f} MB")
        finally:
            worker.kill()
            web.kill()
