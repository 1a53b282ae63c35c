"""What this process holds: the runs its threads work on, and the flags by which the housekeeping thread reaches them.

Plain memory behind a lock. The truth is in the database; this only saves a unit from asking it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from miner.runs.lifecycle import Claim


@dataclass
class Hold:
    """One run held by one thread; `key` is the one that the step at work needs."""

    claim: Claim
    key: str | None = None
    lost: threading.Event = field(default_factory=threading.Event)
    cancel: threading.Event = field(default_factory=threading.Event)
    since: float = field(default_factory=time.monotonic)
    _cancel_since: float | None = None

    def cancel_age(self) -> float:
        """Seconds since this process knows that the run is to stop; 0 while nobody asked."""
        if not self.cancel.is_set():
            return 0.0
        self._cancel_since = self._cancel_since or time.monotonic()
        return time.monotonic() - self._cancel_since

    @property
    def worked_seconds(self) -> float:
        """Working time of this and all earlier holders."""
        return self.claim.worked_seconds + time.monotonic() - self.since


class Holds:
    """The runs held by this process; `stopping` is set once and asks every thread to give its run back.

    `paused` is set while everything is paused: the runs wait, the process stays.
    """

    def __init__(self) -> None:
        self._holds: dict[int, Hold] = {}
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        self.paused = threading.Event()

    def add(self, claim: Claim) -> Hold:
        hold = Hold(claim)
        with self._lock:
            self._holds[claim.run_id] = hold
        return hold

    def drop(self, hold: Hold) -> None:
        """Forget a hold; a newer hold of the same run stays."""
        with self._lock:
            if self._holds.get(hold.claim.run_id) is hold:
                del self._holds[hold.claim.run_id]

    def all(self) -> list[Hold]:
        with self._lock:
            return list(self._holds.values())
