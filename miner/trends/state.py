"""How fresh and how complete what a page of the week says is, in one look."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.tickets.queries import count_tickets

LEAST_COVERED = 28  # as in `detection.py`, which needs numpy


@dataclass(frozen=True)
class DataState:
    """`read` is the share of tickets read in their present version, None: there are none; `exact`: `tickets` was
    counted. `accounts` are mirrored; everything that changed at them before `complete_through` is here (None: not
    yet). `model` read last. The rules judged `judged_day` last and know `covered_days`, or say why not.
    """

    at: dt.datetime
    tickets: int
    exact: bool
    pending: int
    read: float | None
    sample: int
    accounts: int
    complete_through: dt.datetime | None
    model: str | None
    settings_version: int
    judged_day: dt.date | None
    covered_days: int | None
    not_judged: str | None

    @property
    def why_not_usual(self) -> str | None:
        """Why nobody can say what is usual now; None: it is known."""
        if self.not_judged:
            return self.not_judged
        if self.judged_day is None:
            return "not judged: the trend rules have not looked yet"
        if (self.covered_days or 0) < LEAST_COVERED:
            return f"too few days to tell: {self.covered_days or 0} of the {LEAST_COVERED} that are needed"
        return None


def find_state(session: Session, *, settings_version: int) -> DataState:
    """The state of the data now, in two statements."""
    counts = count_tickets(session)
    row = session.execute(
        text("""
            SELECT now() AS at, mirrored.*, look.judged_day, look.covered_days, look.not_judged,
              (SELECT model FROM analyses WHERE outcome IN ('issues', 'no_issue') ORDER BY id DESC LIMIT 1) AS model
            FROM (
                SELECT count(*) AS accounts, CASE WHEN count(through) = count(*) THEN min(through) END AS through
                FROM (
                  SELECT greatest(live.complete_through, (
                      SELECT complete_through FROM mirror_checks AS one WHERE one.source = account.source
                      ORDER BY id DESC LIMIT 1)) AS through
                  FROM zendesk_accounts AS account
                    LEFT JOIN sync_cursors AS live ON live.source = account.source AND live.lane = 'live'
                  WHERE account.state = 'synced') AS each
              ) AS mirrored LEFT JOIN trend_look AS look ON true""")
    ).one()
    return DataState(
        at=row.at,
        tickets=counts.total,
        exact=counts.exact,
        pending=counts.pending,
        read=counts.analyzed_share,
        sample=counts.sample,
        accounts=row.accounts,
        complete_through=row.through,
        model=row.model,
        settings_version=settings_version,
        judged_day=row.judged_day,
        covered_days=row.covered_days,
        not_judged=row.not_judged,
    )
