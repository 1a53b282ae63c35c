"""What benchmarks share: a database of their own, and a line that says on what machine and when."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from miner import db, schema
from miner.addresses import normalise_database_url
from miner.postgres import Server


@contextmanager
def database() -> Iterator[str]:
    """An embedded server with a migrated database (fsync on, as in production); yields its URL."""
    home = Path(tempfile.mkdtemp(prefix="miner-bench-"))
    home.chmod(0o755)
    with Server.start(home) as server:
        url = normalise_database_url(server.url)
        schema.upgrade(url)
        os.environ["DATABASE_URL"] = url
        db.use_engine(db.make_engine(url, size=10))
        yield url
        db.use_engine(None)
    shutil.rmtree(home, ignore_errors=True)


def headline(title: str) -> None:
    cores = os.cpu_count()
    print(f"\n== {title} ==")
    print(
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}, {cores} cores"
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The `share` quantile by rank, of at least one value."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
