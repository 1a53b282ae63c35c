"""How fast calls may go: two budgets a source, held in Postgres for all workers.

Calls of a budget are spaced evenly, so that no minute, wherever it begins, holds more than is allowed. The account's
budget is shared with the customer's other tools: a fifth of it is left to them. Whoever is told to wait says so in the
row, and all workers wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from miner.db import transaction

HEADROOM = 0.8
CATCH_UP = 2.0  # seconds of unused account budget that may be used at once; the headroom has room for them
# Spacing of 60 s / n would let n + 1 calls into a minute by a hair; 2 % more forgive a second of jitter.
EXPORT_SPARE = 1.02
ACCOUNT_FIRST, EXPORT_FIRST, EXPORT_HIGH_VOLUME = 200, 10, 30  # calls a minute, until the headers tell
HIGH_VOLUME_FROM = 2500
LOW_SHARE = 0.1  # less than this left means that others are busy: wait for the next minute


@dataclass(frozen=True)
class Clock:
    """The time budgets and tokens go by: the database's in production (`now` None), a stand-in's in tests.

    `sleep` passes time towards a moment; `rest` waits for another worker.
    """

    now: Callable[[], float] | None = None
    sleep: Callable[[float], None] = time.sleep
    rest: Callable[[float], None] = time.sleep

    def stamp(self) -> float | None:
        """Unix seconds for a statement; NULL there means the database's own clock."""
        return None if self.now is None else self.now()

    def seconds(self) -> float:
        """For measuring spans within a process."""
        return time.monotonic() if self.now is None else self.now()


CLOCK = Clock()


@dataclass(frozen=True, slots=True)
class Grant:
    """`calls` may go, the first in `delay` seconds, the others `spacing` apart; without calls: ask in `delay` again."""

    calls: int
    delay: float
    spacing: float


class Budgets:
    """The budgets of one source; each method is one short transaction."""

    def __init__(self, source: str, *, clock: Clock = CLOCK) -> None:
        self._source, self._clock = source, clock
        self._limit: int | None = None
        self._execute(
            """INSERT INTO rate_budgets (source, name, per_minute, next_at)
               VALUES (:source, 'account', :account, '-infinity'), (:source, 'export', :export, '-infinity')
               ON CONFLICT DO NOTHING""",
            account=ACCOUNT_FIRST,
            export=EXPORT_FIRST,
        )

    def take(self, name: str, *, most: int = 1, ahead: float = 0.0) -> Grant:
        """Take up to `most` calls that may go within `ahead` seconds."""
        row = self._execute(
            """
            WITH clock AS (SELECT coalesce(to_timestamp(CAST(:now AS float)), clock_timestamp()) AS now),
            budget AS (
              SELECT source, name, now, greatest(next_at, coalesce(not_before, '-infinity'),
                  now - make_interval(secs => CASE name WHEN 'account' THEN :catch_up ELSE 0 END)) AS base,
                60.0 / per_minute * CASE name WHEN 'export' THEN :spare ELSE 1 / :headroom END AS spacing
              FROM rate_budgets, clock WHERE source = :source AND name = :name FOR UPDATE OF rate_budgets),
            sized AS (
              SELECT *, least(:most, CASE WHEN base > now + make_interval(secs => :ahead) THEN 0
                ELSE 1 + floor((:ahead - extract(epoch FROM base - now)) / spacing) END)::int AS calls FROM budget)
            UPDATE rate_budgets AS row SET calls = row.calls + sized.calls,
              next_at = CASE WHEN sized.calls > 0 THEN base + make_interval(secs => sized.calls * spacing)
                ELSE row.next_at END,
              minute_at = date_trunc('minute', now),
              minute_calls = CASE WHEN minute_at = date_trunc('minute', now) THEN minute_calls ELSE 0 END + sized.calls,
              minute_before = CASE minute_at WHEN date_trunc('minute', now) THEN minute_before
                WHEN date_trunc('minute', now) - interval '1 minute' THEN minute_calls ELSE 0 END
            FROM sized WHERE row.source = sized.source AND row.name = sized.name
            RETURNING sized.calls, extract(epoch FROM base - now) AS delay, spacing""",
            name=name,
            most=most,
            ahead=ahead,
            spare=EXPORT_SPARE,
            catch_up=CATCH_UP,
            headroom=HEADROOM,
        )
        return Grant(row.calls, max(0.0, float(row.delay)), float(row.spacing))

    def learn(self, *, limit: int | None, remaining: int | None, reset: float | None) -> None:
        """Take over what the headers of an answer say about the account's budget."""
        if limit and limit != self._limit:
            self._limit = limit
            self._execute(
                """UPDATE rate_budgets SET per_minute = CASE name WHEN 'account' THEN :limit ELSE :export END
                   WHERE source = :source""",
                limit=min(limit, 1_000_000_000),
                export=EXPORT_HIGH_VOLUME if limit >= HIGH_VOLUME_FROM else EXPORT_FIRST,
            )
        if limit and remaining is not None and remaining < LOW_SHARE * limit:
            self._hold_back(reset if reset is not None else 5.0, "account")

    def refused(self, seconds: float) -> None:
        """A 429 came: no call of this source for `seconds`, by no worker."""
        self._hold_back(seconds, None)
        self._execute("UPDATE rate_budgets SET refusals = refusals + 1 WHERE source = :source")

    def _hold_back(self, seconds: float, name: str | None) -> None:
        self._execute(
            """UPDATE rate_budgets SET not_before = greatest(not_before,
                  coalesce(to_timestamp(CAST(:now AS float)), clock_timestamp()) + make_interval(secs => :seconds))
                WHERE source = :source AND name = coalesce(CAST(:name AS text), name)""",
            seconds=seconds,
            name=name,
        )

    def _execute(self, statement: str, **values: Any) -> Any:
        with transaction() as session:
            result = session.execute(text(statement), {"source": self._source, "now": self._clock.stamp(), **values})
            return result.one() if result.returns_rows else None  # type: ignore[attr-defined]
