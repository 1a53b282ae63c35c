"""The Procfile's four processes on an external Postgres, started by honcho as a platform would."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text

from miner import db
from miner.cli import main
from tests.support.processes import ROOT, Process, eventually, python, scalar, state_of
from tests.support.servers import free_port
from tests.support.web import fetch

pytestmark = pytest.mark.faults

PROCESSES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
BIN = str(Path(python()[0]).parent)


def test_the_same_system_runs_from_the_procfile_in_production_with_a_token(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    environ = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ENVIRONMENT": "production",
        "PUBLIC_URL": "https://issues.example.com",
        "SECRET_KEY": "a-key-of-the-tests-with-32-characters",
        "HOST": "127.0.0.1",
    }
    release = subprocess.run(PROCESSES["release"], shell=True, cwd=ROOT, env={**os.environ, **environ}, timeout=60)
    assert release.returncode == 0
    refused = subprocess.run(
        PROCESSES["web"], shell=True, cwd=ROOT, env={**os.environ, **environ, "PORT": str(port)}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert refused.returncode == 4, refused.stderr
    assert "miner users create" in refused.stderr
    assert main(["tokens", "create", "admin"]) == 0
    token = capsys.readouterr().out.strip()

    # honcho gives the first process of its list the port as it is.
    honcho = Process(
        python("honcho", "start", "--no-prefix", "-p", str(port), "web", "worker", "scheduler"),
        tmp_path / "honcho.log",
        **environ,
    )
    address = f"http://127.0.0.1:{port}"
    asks = {"Authorization": f"Bearer {token}", "Host": "issues.example.com", "X-Forwarded-Proto": "https"}
    try:
        eventually(lambda: fetch(f"{address}/healthz")[0] == 200, why=honcho.output)
        assert fetch(f"{address}/api/tasks/worker/status", headers={"Host": "issues.example.com"})[0] == 401
        status, body = fetch(f"{address}/api/tasks/pipeline", data={"batch_size": 10}, headers=asks)
        assert status == 202, body
        answer = json.loads(body)
        assert (answer["message"], answer["task"], answer["status"]) == ("Full pipeline started", "pipeline", "started")
        eventually(lambda: state_of(int(answer["run_id"])) == "completed", why=honcho.output)
        eventually(lambda: scalar("SELECT count(*) FROM workers WHERE kind = 'scheduler'"), within=90)
        with db.transaction() as session:
            ours = session.execute(
                text("""
                    SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = current_database()
                        AND application_name LIKE 'miner-%' AND application_name <> 'miner-test' GROUP BY 1""")
            ).all()
        assert sum(row.count for row in ours) <= 15, ours
        assert honcho.terminate() in (0, -15, 143), honcho.output()
        assert fetch(f"{address}/healthz")[0] == 0
    finally:
        honcho.kill()
