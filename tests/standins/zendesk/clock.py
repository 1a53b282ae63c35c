"""The stand-in's clock: everything it does about time, from export delay to token expiry, is read from here."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate


def iso(seconds: int) -> str:
    """Zendesk's form of a time: ISO 8601, UTC, `Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Clock:
    """Frozen at `start` (Unix seconds) until it is advanced; `run` lets it flow, `speed` virtual seconds a second."""

    def __init__(self, start: float | None = None) -> None:
        self._base = float(int(time.time()) if start is None else start)
        self._anchor = time.monotonic()
        self._speed = 0.0
        self._lock = threading.Lock()
        self.skew = 0.0  # added to the `Date` header only: a client must not trust its own clock, nor this one blindly

    def now(self) -> float:
        """Unix seconds."""
        with self._lock:
            return self._now()

    def seconds(self) -> int:
        return int(self.now())

    def advance(self, seconds: float) -> float:
        """Move forward (never back) and return the new time; usable as the `sleep` of a client under test."""
        if seconds < 0:
            raise ValueError("a clock does not run backwards: use skew")
        with self._lock:
            self._base += seconds
            return self._now()

    def run(self, speed: float = 1.0) -> None:
        """Let time flow from here on."""
        with self._lock:
            self._base, self._anchor, self._speed = self._now(), time.monotonic(), speed

    def freeze(self) -> None:
        self.run(0.0)

    def http_date(self) -> str:
        """The `Date` header, skew included."""
        return formatdate(self.now() + self.skew, usegmt=True)

    def _now(self) -> float:
        return self._base + (time.monotonic() - self._anchor) * self._speed
