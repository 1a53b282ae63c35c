"""The engine, the one session type, and `transaction()`: the only opener.

Whoever opens a session commits it; whoever is handed one never commits (it may flush). The engine is made on first
use, never at import, so that a forked worker opens its own connections.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from miner.config import Config

_lock = threading.Lock()
_engine: Engine | None = None
SIZE = 3
_name, _size = "miner", SIZE

# One long statement must not stall a page or hold a lock for ever; a unit of work stays under 5 s.
_SERVER_OPTIONS = "-c statement_timeout=60000 -c idle_in_transaction_session_timeout=120000 -c lock_timeout=15000"


def make_engine(url: str, *, size: int = SIZE, name: str = "miner") -> Engine:
    """An engine of at most `size` connections that names itself `name` in pg_stat_activity."""
    return create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=60,  # a deploy overlaps two sets of processes: wait for a free connection, do not fail
        pool_pre_ping=True,
        pool_recycle=300,
        hide_parameters=True,  # parameters hold ticket text, errors end up in logs and on pages
        connect_args={
            "connect_timeout": 5,
            "application_name": name,
            "options": _SERVER_OPTIONS,
            # Lost networks are noticed within seconds instead of hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 2,
            "tcp_user_timeout": 10000,
        },
    )


def engine() -> Engine:
    """The process's engine, made on first use from the environment."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = make_engine(Config.from_environment().database_url(), size=_size, name=_name)
        return _engine


def set_up(name: str, *, size: int = SIZE) -> None:
    """What this process calls itself in pg_stat_activity and how many connections it may hold; before the first use."""
    global _name, _size
    _name, _size = name, size


def use_engine(other: Engine | None) -> None:
    """Replace the process's engine (None: make it again on next use); the old one is closed."""
    global _engine
    with _lock:
        if _engine is not None and _engine is not other:
            _engine.dispose()
        _engine = other


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that commits at the end of the block and rolls back on an error."""
    with sessionmaker(engine(), expire_on_commit=False).begin() as session:
        yield session
