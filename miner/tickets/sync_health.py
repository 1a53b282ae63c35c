"""How the sync of an account does right now: how far behind it is, what waits, and how much of its budgets it uses."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class SyncHealth:
    """`lag_seconds`: since when changes at Zendesk may be missing here, None: nothing was complete yet; calls are
    those of the last whole minute, allowed ones what Zendesk grants a minute, None: it was not asked yet; `not_before`:
    until then Zendesk wants no call."""

    source: str
    lag_seconds: float | None
    waiting: int
    oldest_at: dt.datetime | None
    exports: int
    exports_allowed: int | None
    calls: int
    calls_allowed: int | None
    refusals: int
    not_before: dt.datetime | None


def list_health(session: Session) -> list[SyncHealth]:
    """The accounts that are synced."""
    rows = session.execute(
        text("""
            WITH budget AS (
              SELECT source, name, per_minute, refusals, CASE WHEN not_before > now() THEN not_before END AS not_before,
                CASE minute_at WHEN date_trunc('minute', now()) THEN minute_before
                  WHEN date_trunc('minute', now()) - interval '1 minute' THEN minute_calls ELSE 0 END AS used
              FROM rate_budgets)
            SELECT account.source,
              extract(epoch FROM now() - live.complete_through)::float AS lag_seconds,
              due.waiting, due.oldest_at,
              coalesce(export.used, 0) AS exports, export.per_minute AS exports_allowed,
              coalesce(every.used, 0) AS calls, every.per_minute AS calls_allowed,
              coalesce(every.refusals, 0) AS refusals, every.not_before
            FROM zendesk_accounts AS account
            LEFT JOIN sync_cursors AS live ON live.source = account.source AND live.lane = 'live'
            LEFT JOIN budget AS export ON export.source = account.source AND export.name = 'export'
            LEFT JOIN budget AS every ON every.source = account.source AND every.name = 'account'
            CROSS JOIN LATERAL (SELECT count(*) AS waiting, min(queued_at) AS oldest_at
              FROM due_conversations WHERE source = account.source) AS due
            WHERE account.state = 'synced' ORDER BY 1""")
    )
    return [SyncHealth(**row._mapping) for row in rows]
