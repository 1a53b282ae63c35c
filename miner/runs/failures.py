"""How a run remembers an error, whether the same may go well later, and how long it waits before it tries again."""

from __future__ import annotations

import hashlib
import random
import re
import traceback
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from miner.errors import MinerError

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
        return hashlib.sha256(shape.encode("utf-8", "replace")).hexdigest()[:12]


def retry_delay(attempt: int, retry_after: float | None, *, random_share: float | None = None) -> float:
    """Seconds until attempt `attempt` is tried again: what the error asked for, else backoff with full jitter."""
    share = random.random() if random_share is None else random_share  # noqa: S311 - spreads load, guards nothing
    if retry_after is not None:
        return retry_after + share  # never before the time that was asked for
    return share * min(RETRY_LONGEST_SECONDS, RETRY_BASE_SECONDS * 2.0 ** (attempt - 1))


def is_passing(error: BaseException) -> bool:
    """Whether the database was away or busy, so that the same may go well later; a wrong statement stays wrong."""
    if isinstance(error, PoolTimeout | OperationalError | InterfaceError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def sentence_of(error: BaseException) -> str:
    """The error for people.

    Our own errors say what they mean. The text of any other may hold what a customer wrote (a value that could not be
    read, a row that was refused), so it gives its class and its place only.
    """
    if isinstance(error, MinerError):
        return str(error)
    if isinstance(error, DBAPIError) and is_passing(error):
        first = str(error.orig).strip().splitlines()
        return f"the database was lost or busy: {first[0] if first else type(error.orig).__name__}"
    if isinstance(error, PoolTimeout):
        return "no database connection was free in time"
    kind = type(error.orig).__name__ if isinstance(error, DBAPIError) else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f" in {'/'.join(ours[-1].filename.split('/')[-3:])}, line {ours[-1].lineno}" if ours else ""
    return f"a mistake in the program: {kind}{place}; its full text is not kept, since it may hold ticket text"


def where(error: BaseException) -> str:
    """Where the error happened, frame by frame, without its text."""
    return "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
