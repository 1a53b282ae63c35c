"""Where the money went: by run, model, month and theme, with shares that sum to the run's cost to the last digit.

A call's cost stands on the readings it brought (`analyses.cost_usd`). A reading's cost is split evenly over the issues
that its ticket shows now, and each part belongs to the theme of its issue. What brought no reading that was kept, and
readings of tickets without an issue, are rows of their own, so that nothing vanishes. A cost that is unknown is
counted, never added as 0.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.issues.calls import Spent, spent_in_run, spent_since
from miner.issues.purse import month_start
from miner.settings import Settings


@dataclass(frozen=True, slots=True)
class Share:
    """What of a run's cost belongs to a theme; without one, `kind` says where it went.

    `kind` is theme, no_theme (an issue that is in none yet), no_issue or not_kept (calls whose answers were lost,
    refused, repeated or overtaken). `unpriced` counts readings, or for not_kept calls, of unknown cost.
    """

    kind: str
    theme_id: int | None
    theme: str | None
    tickets: int
    dollars: Decimal
    unpriced: int


@dataclass(frozen=True, slots=True)
class Spending:
    """Dollars of the readings whose cost is known, and how many there are of which it is not."""

    dollars: Decimal
    tickets: int
    unpriced: int


# The parts of the readings in `chosen`: `prices.share_cost` as SQL.
_PARTS = """
    shown AS (
      SELECT issues.ticket_id, issues.theme_id, count(*) OVER one AS parts,
        row_number() OVER (PARTITION BY issues.ticket_id ORDER BY issues.id) AS place
      FROM issues WHERE retired_at IS NULL AND ticket_id IN (SELECT ticket_id FROM chosen)
      WINDOW one AS (PARTITION BY issues.ticket_id)),
    parts AS (
      SELECT chosen.ticket_id, shown.theme_id, shown.place IS NULL AS no_issue, chosen.cost_usd IS NULL AS unpriced,
        CASE WHEN shown.place IS NULL THEN chosen.cost_usd
          WHEN shown.place = 1 THEN chosen.cost_usd - trunc(chosen.cost_usd / shown.parts, 12) * (shown.parts - 1)
          ELSE trunc(chosen.cost_usd / shown.parts, 12) END AS dollars
      FROM chosen LEFT JOIN shown USING (ticket_id))"""
_READINGS = "SELECT ticket_id, cost_usd FROM analyses WHERE analyzer = 'claude' AND input_tokens IS NOT NULL"


def list_run_shares(session: Session, run_id: int) -> list[Share]:
    """How the run's cost is split, the dearest theme first; the dollars sum to those of its calls exactly."""
    rows = session.execute(
        text(f"""
            WITH chosen AS ({_READINGS} AND run_id = :run), {_PARTS}
            SELECT CASE WHEN no_issue THEN 'no_issue' WHEN theme_id IS NULL THEN 'no_theme' ELSE 'theme' END AS kind,
              theme_id, max(themes.name) AS theme, count(DISTINCT ticket_id) AS tickets,
              coalesce(sum(dollars), 0) AS dollars, count(*) FILTER (WHERE unpriced) AS unpriced
            FROM parts LEFT JOIN themes ON themes.id = theme_id
            GROUP BY 1, 2 ORDER BY theme_id IS NULL, dollars DESC, theme_id"""),  # noqa: S608 - words of ours
        {"run": run_id},
    )
    shares = [Share(**row._mapping) for row in rows]
    rest = session.execute(
        text("""
            SELECT coalesce(calls.dollars, 0) - coalesce(readings.dollars, 0) AS dollars, calls.unpriced
            FROM (SELECT sum(cost_usd) AS dollars,
                count(*) FILTER (WHERE cost_usd IS NULL AND outcome <> 'ok') AS unpriced
              FROM model_calls WHERE run_id = :run) AS calls,
              (SELECT sum(cost_usd) AS dollars FROM analyses
                WHERE run_id = :run AND analyzer = 'claude' AND input_tokens IS NOT NULL) AS readings"""),
        {"run": run_id},
    ).one()
    if rest.dollars or rest.unpriced:
        shares.append(Share("not_kept", None, None, 0, rest.dollars, rest.unpriced))
    return shares


def find_theme_spending(session: Session, theme_id: int) -> Spending:
    """What reading the tickets behind a theme cost: its shares of all runs together."""
    row = session.execute(
        text(f"""
            WITH chosen AS ({_READINGS} AND ticket_id IN (
              SELECT ticket_id FROM issues WHERE theme_id = :theme AND retired_at IS NULL)), {_PARTS}
            SELECT coalesce(sum(dollars), 0) AS dollars, count(DISTINCT ticket_id) AS tickets,
              count(*) FILTER (WHERE unpriced) AS unpriced
            FROM parts WHERE theme_id = :theme"""),  # noqa: S608 - words of ours
        {"theme": theme_id},
    ).one()
    return Spending(row.dollars, row.tickets, row.unpriced)


@dataclass(frozen=True, slots=True)
class Meter:
    """What a run and this month have cost so far, against their limits (None: no limit)."""

    run: Spent
    run_cap: Decimal | None
    month: Spent
    month_cap: Decimal | None


def read_meter(session: Session, run_id: int, *, settings: Settings, now: dt.datetime) -> Meter:
    """The meter of a run, by the limits in force."""
    caps = [None if cap is None else Decimal(str(cap)) for cap in (settings.run_budget_usd, settings.month_budget_usd)]
    month = month_start(now.astimezone(settings.zone))
    return Meter(spent_in_run(session, run_id), caps[0], spent_since(session, month), caps[1])


def list_theme_costs(session: Session, *, limit: int) -> list[dict[str, Any]]:
    """The dearest living themes: tickets that Claude read for them, dollars, readings of unknown cost."""
    rows = session.execute(
        text(f"""
            WITH chosen AS ({_READINGS}), {_PARTS}
            SELECT theme_id AS theme, max(themes.name) AS name, count(DISTINCT ticket_id) AS tickets,
              sum(dollars) AS cost, count(*) FILTER (WHERE unpriced) AS unpriced
            FROM parts JOIN themes ON themes.id = theme_id
            GROUP BY theme_id ORDER BY cost DESC NULLS LAST, theme_id LIMIT :limit"""),  # noqa: S608 - words of ours
        {"limit": limit},
    )
    return [dict(row._mapping) for row in rows]


def list_month_costs(session: Session, *, zone: dt.tzinfo, limit: int) -> list[dict[str, Any]]:
    """The newest months in `zone` with each model: calls, tokens, dollars, calls of unknown cost."""
    return _list_sums(session, "to_char(created_at AT TIME ZONE :zone, 'YYYY-MM')", "month", zone=zone, limit=limit)


def list_model_costs(session: Session, *, limit: int) -> list[dict[str, Any]]:
    """Every model that was asked, the dearest first."""
    return _list_sums(session, "NULL", None, zone=dt.UTC, limit=limit)


def _list_sums(
    session: Session, expression: str, name: str | None, *, zone: dt.tzinfo, limit: int
) -> list[dict[str, Any]]:
    rows = session.execute(
        text(f"""
            SELECT {expression} AS part, model, count(*) AS calls, sum(input_tokens) AS input_tokens,
              sum(cache_read_tokens) AS cached, sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost,
              count(*) FILTER (WHERE cost_usd IS NULL) AS unpriced
            FROM model_calls GROUP BY 1, 2 ORDER BY 1 DESC, cost DESC NULLS LAST, model LIMIT :limit"""),  # noqa: S608
        {"limit": limit} | ({"zone": str(zone)} if name else {}),
    )
    found = []
    for row in rows:
        values = dict(row._mapping)
        part = values.pop("part")
        found.append(({name: part} if name else {}) | values)
    return found
