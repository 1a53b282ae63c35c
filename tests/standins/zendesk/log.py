"""What was asked, for assertions: every request but those of /_ctl."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

KEPT = 200_000


@dataclass(slots=True)
class Entry:
    """`time` is the stand-in's clock; `fault` names what was done to the answer; `status` 0: none was sent."""

    number: int
    time: float
    route: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int = 0
    fault: str | None = None
    rows: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class Log:
    """A sequence of the last 200,000 entries; `totals` counts all of them by (route, status)."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._number = 0
        self.totals: Counter[tuple[str, int]] = Counter()

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._number += 1
            entry.number = self._number
            self._entries.append(entry)

    def finish(self, entry: Entry) -> None:
        with self._lock:
            self.totals[entry.route, entry.status] += 1

    def __iter__(self) -> Any:
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        return self._number

    def of(self, route: str | None = None, *, status: int | None = None) -> list[Entry]:
        """Entries of a route (its name in `routes.py`, or a path), oldest first."""
        return [
            one
            for one in self
            if (route is None or route in (one.route, one.path)) and (status is None or one.status == status)
        ]

    def count(self, route: str | None = None, *, status: int | None = None) -> int:
        with self._lock:
            return sum(
                number
                for (name, code), number in self.totals.items()
                if (route is None or name == route) and (status is None or code == status)
            )

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self.totals.clear()
            self._number = 0
