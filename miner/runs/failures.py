"""How a run remembers an error, and how long it waits before it tries again (pure)."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass

# Retries: full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter"), so that runs failed by one outage
# do not come back in step.
RETRY_BASE_SECONDS, RETRY_LONGEST_SECONDS = 15.0, 900.0


@dataclass(frozen=True)
class Failure:
    """An error as the run row keeps it."""

    error_class: str
    message: str
    traceback: str | None = None

    @property
    def fingerprint(self) -> str:
        """The same for the same error whatever ids and numbers stand in it."""
        shape = re.sub(r"\d+", "#", f"{self.error_class}: {self.message}")
        return hashlib.sha256(shape.encode()).hexdigest()[:12]


def retry_delay(attempt: int, retry_after: float | None, *, random_share: float | None = None) -> float:
    """Seconds until attempt `attempt` is tried again: what the error asked for, else backoff with full jitter."""
    share = random.random() if random_share is None else random_share  # noqa: S311 - spreads load, guards nothing
    if retry_after is not None:
        return retry_after + share  # never before the time that was asked for
    return share * min(RETRY_LONGEST_SECONDS, RETRY_BASE_SECONDS * 2.0 ** (attempt - 1))
