"""The connections of the default broker."""

from __future__ import annotations

import threading
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from miner.config import Config


class LazyPool(ConnectionPool[Connection[Any]]):
    """A pool that is opened by its first use, so that importing the actors touches no network and forks are safe.

    One connection is enough for a process that only rings; a worker asks for what its threads need at boot.
    """

    def __init__(self) -> None:
        self._opening = threading.Lock()
        super().__init__("", min_size=0, max_size=1, open=False, check=ConnectionPool.check_connection, timeout=10)

    def getconn(self, timeout: float | None = None) -> Connection[Any]:
        if self.closed and not self._opened:
            with self._opening:
                if not self._opened:
                    self._open_for(Config.from_environment().database_url())
        return super().getconn(timeout)

    def _open_for(self, url: str) -> None:
        self.conninfo = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self.kwargs = {
            "application_name": "miner-broker",
            "connect_timeout": 5,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 2,
        }
        self.open()
