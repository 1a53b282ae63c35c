"""Real Postgres for every test: one server for the whole run, one migrated template, one clone of it a test.

`TEST_DATABASE_URL` (an administrator's URL of any Postgres) is used when given; else an embedded server is started in
a temporary folder and removed afterwards.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import Session

from miner import db, logs, schema
from miner.addresses import normalise_database_url
from miner.config import Config
from miner.runs import lifecycle
from miner.runs.context import StepContext
from miner.runs.creation import create_run
from miner.runs.holds import Holds
from miner.runs.jobs import get_job
from miner.runs.steps import mark_begun
from miner.runs.workers import Identity, record_beat
from miner.settings import load
from tests.factories import TESTER

_numbers = itertools.count(1)
# Examples are the same in every run and take as long as the machine needs; `make soak` looks further.
settings.register_profile(
    "miner", deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("miner")


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """No variable of the machine reaches a test, and nothing is written below the checkout."""
    from miner.config import VARIABLES

    home = Path(tempfile.mkdtemp(prefix="miner-home-"))
    with pytest.MonkeyPatch.context() as patch:
        for variable in VARIABLES:
            patch.delenv(variable.name, raising=False)
        patch.setenv("MINER_HOME", str(home))
        logs.setup("WARNING")
        yield
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def server_url(_clean_environment: None) -> Iterator[str]:
    """An administrator's URL of the server under test."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield normalise_database_url(given)
        return
    from miner.postgres import Server

    home = Path(tempfile.mkdtemp(prefix="miner-pg-"))
    home.chmod(0o755)
    with Server.start(home, settings={"fsync": "off", "max_connections": "100"}) as server:
        yield normalise_database_url(server.url)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def admin(server_url: str) -> Iterator[Engine]:
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT", pool_size=1)
    yield engine
    engine.dispose()


def named(url: str, database: str) -> str:
    """`url` with another database."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def template(server_url: str, admin: Engine) -> Iterator[str]:
    """The name of a database at this release's schema, to be cloned."""
    name = f"template_{os.getpid()}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    schema.upgrade(named(server_url, name))
    rest_schedules(named(server_url, name))
    yield name
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def rest_schedules(url: str) -> None:
    """The schedules of the migrations are decided until tomorrow.

    Else a worker under test starts their runs, too, whenever the tests run across a full hour.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE schedules SET evaluated_until = now() + interval '1 day'"))
    engine.dispose()


@pytest.fixture
def database(server_url: str, admin: Engine, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A fresh migrated database; `miner.db` and DATABASE_URL point to it. Yields its URL."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    url = named(server_url, name)
    monkeypatch.setenv("DATABASE_URL", url)
    engine = db.make_engine(url, size=20, name="miner-test")
    db.use_engine(engine)
    yield url
    db.use_engine(None)
    logs.LINES.take(100_000)
    forget_broker_connections()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def forget_broker_connections() -> None:
    """The process's broker opened its pool on this test's database; the next test gets a new one."""
    if "actors.broker" in sys.modules:
        from actors.broker import broker
        from actors.pool import LazyPool

        broker.pool.close()
        broker.pool = broker.notifier.pool = LazyPool()


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """An open session; the test commits."""
    with Session(db.engine(), expire_on_commit=False) as session:
        yield session


@pytest.fixture
def step(database: str) -> Callable[..., StepContext]:
    """`step("analyze", {"batch_size": 5}, step_name="analyze")`: a claimed run's real StepContext on `database`."""

    def make(
        job_name: str = "analyze", args: dict[str, Any] | None = None, step_name: str | None = None
    ) -> StepContext:
        identity, holds, job = Identity("worker", threads=1), Holds(), get_job(job_name)
        with db.transaction() as session:
            record_beat(session, identity)
            run_id, _ = create_run(session, job, args or {}, by=TESTER, trigger="code")
        names = [one.name for one in job.steps]
        position = names.index(step_name) if step_name else 0
        with db.transaction() as session:
            claim = lifecycle.claim(session, run_id, identity.id)
            mark_begun(session, run_id, position, name=names[position], saying="Begun by a test")
            version, found = load(session)
        assert claim is not None
        return StepContext(
            hold=holds.add(claim),
            holds=holds,
            config=Config.from_environment(),
            settings=found,
            settings_version=version,
            position=position,
            checkpoint=None,
            in_pipeline=len(names) > 1,
        )

    return make
