"""Postgres is restarted and killed in the middle of a run; the worker is left alone."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from actors.enqueue import start_run
from miner import db, schema
from miner.addresses import normalise_database_url
from miner.postgres import Server
from tests.conftest import forget_broker_connections
from tests.factories import TESTER
from tests.support import jobs as _jobs  # noqa: F401 - registers the sixth job in this process too
from tests.support.processes import eventually, state_of, worker

pytestmark = pytest.mark.faults


class Restartable:
    """A server of this test's own, at this release's schema."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = Server.start(home)
        self.url = normalise_database_url(self.server.url)
        schema.upgrade(self.url)

    def restart(self) -> None:
        self.server.stop()
        self.server = Server.start(self.home)

    def crash(self) -> None:
        assert self.server.pid is not None
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.stop()
        self.server = Server.start(self.home)


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Restartable]:
    home = Path(tempfile.mkdtemp(prefix="miner-restart-"))
    home.chmod(0o755)
    own = Restartable(home)
    monkeypatch.setenv("DATABASE_URL", own.url)
    db.use_engine(db.make_engine(own.url))
    yield own
    db.use_engine(None)
    forget_broker_connections()
    own.server.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_a_run_survives_its_database_being_away_with_every_unit_exactly_once(
    own_server: Restartable, tmp_path: Path, how: str
) -> None:
    with worker(tmp_path / "worker.log") as process:
        run_id = start_run("count", {"to": 60, "pause_ms": 50}, by=TESTER, trigger="code").run_id
        eventually(lambda: _done(run_id) >= 5)
        getattr(own_server, how)()
        eventually(lambda: state_of(run_id) == "completed", within=60, why=process.output)
        assert process.popen.poll() is None, "the worker stayed up"
    with db.transaction() as session:
        names = session.scalars(text("SELECT name FROM beats WHERE name LIKE 'unit:%'")).all()
    assert sorted(int(name.split(":")[2]) for name in names) == list(range(60))


def _done(run_id: int) -> int:
    with db.transaction() as session:
        return session.scalar(text("SELECT done FROM job_run_steps WHERE run_id = :id"), {"id": run_id}) or 0
