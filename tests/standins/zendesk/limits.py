"""The account's budgets: fixed windows of the stand-in's clock, counted whether or not they are enforced."""

from __future__ import annotations

import math
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.standins.zendesk.clock import Clock
from tests.standins.zendesk.http import Answer, text_answer

WINDOW = 60
EXCEEDED = "Number of allowed API requests per minute exceeded"


@dataclass(slots=True)
class Budget:
    """`allowed` requests in each window of `seconds`."""

    allowed: int
    seconds: int = WINDOW


class Limits:
    """`set(account=700, export=10)` switches enforcement on, `off()` off.

    `other_tools` requests a minute are used by somebody else's integrations, evenly over the minute. `per_endpoint`:
    every export has its own export budget, which is not known (question 1 of section 8). `provoked` counts the 429
    answers given, by budget.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._used: Counter[tuple[str, int]] = Counter()
        self.budgets = {
            "account": Budget(700), "export": Budget(10), "sample": Budget(10, 1200), "deleted": Budget(10),
            "users": Budget(20), "search": Budget(100),
        }  # fmt: skip
        self.enabled = False
        self.other_tools = 0.0
        self.per_endpoint = False
        self.provoked: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()

    def set(self, **allowed: int) -> None:
        for name, number in allowed.items():
            self.budgets[name].allowed = number
        self.enabled = True

    def off(self) -> None:
        self.enabled = False

    def forget(self) -> None:
        """Count from nothing again."""
        with self._lock:
            for counter in (self._used, self.provoked, self.taken):
                counter.clear()

    def take(self, budget: str | None, route: str) -> Answer | None:
        """Count one request against the account and its own budget; the 429 when one of them is used up."""
        with self._lock:
            for name in ("account", budget):
                if name is None:
                    continue
                key = self._key(name, route)
                limit = self.budgets[name]
                if self.enabled and self._used[key] + self._others(name) >= limit.allowed:
                    self.provoked[name] += 1
                    return text_answer(429, EXCEEDED, Retry_After=str(self._reset(limit)))
            for name in ("account", budget):
                if name is not None:
                    self._used[self._key(name, route)] += 1
                    self.taken[name] += 1
        return None

    def headers(self, *, listing: bool) -> dict[str, str]:
        """What every answer says about the account's budget; the export's is never mentioned."""
        with self._lock:
            limit = self.budgets["account"]
            used = self._used[self._key("account", "")] + self._others("account")
            remaining, reset = str(max(0, limit.allowed - math.ceil(used))), str(self._reset(limit))
        found = {"X-Rate-Limit": str(limit.allowed), "X-Rate-Limit-Remaining": remaining}
        if listing:
            found |= {"ratelimit-limit": str(limit.allowed), "ratelimit-remaining": remaining, "ratelimit-reset": reset}
        return found

    def used_by_window(self, name: str) -> list[int]:
        """Requests taken in each window that had any, oldest first."""
        with self._lock:
            windows: Counter[int] = Counter()
            for (key, window), number in self._used.items():
                if key.partition(":")[0] == name:
                    windows[window] += number
        return [number for _, number in sorted(windows.items())]

    def as_dict(self) -> dict[str, Any]:
        return {
            "enabled": self.enabled, "other_tools": self.other_tools, "per_endpoint": self.per_endpoint,
            "budgets": {name: [one.allowed, one.seconds] for name, one in self.budgets.items()},
            "taken": dict(self.taken), "provoked": dict(self.provoked),
        }  # fmt: skip

    def _key(self, name: str, route: str) -> tuple[str, int]:
        shown = f"{name}:{route}" if name == "export" and self.per_endpoint else name
        return shown, int(self._clock.now() // self.budgets[name].seconds)

    def _others(self, name: str) -> float:
        return self.other_tools * (self._clock.now() % WINDOW) / WINDOW if name == "account" else 0.0

    def _reset(self, limit: Budget) -> int:
        return math.ceil(limit.seconds - self._clock.now() % limit.seconds)
