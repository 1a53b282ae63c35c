"""The trends step: counts the days of every theme anew and judges each theme at the last complete day.

All history is counted by today's membership, so that a re-cluster is no fall of one theme and rise of another; one
statement does it and touches only what differs.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import BigInteger, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from miner.logs import get_logger
from miner.runs.context import Skip, StepContext
from miner.trends.counting import Coverage, estimate_weekday_factors, fill_days, find_coverage, spread_factors
from miner.trends.detection import History, Verdict, judge_themes
from miner.trends.measures import BASELINE

log = get_logger(__name__)

# More unread tickets than this among the latest, and what is missing would look like a change.
MOST_UNREAD = 0.05
_READ_DAYS = 35
_FACTOR_DAYS = 182  # half a year of tickets tells the shape of the week


@dataclass(frozen=True)
class TicketDay:
    """Tickets written on a day, and how many of them were never analysed."""

    tickets: int
    unread: int


def run(context: StepContext) -> Skip | None:
    zone = context.settings.time_zone
    with context.unit() as unit:
        refresh_days(unit.session, zone=zone)
    with context.reading() as session:
        today, tickets = list_ticket_days(session, zone=zone)
        coverage = find_coverage(tickets, today)
        histories = list_histories(session, zone=zone)
        series = list_series(session, zone=zone, days=coverage.latest(BASELINE + 1)) if coverage else {}
    if not histories:
        return Skip("there are no themes to judge yet")
    context.expect(len(histories))
    unread = _count_unread(tickets, coverage)
    if unread:
        return Skip(f"trends were not judged: {unread}")
    verdicts = judge_all(histories, series, tickets, coverage)
    with context.unit(last=True) as unit:
        record_verdicts(unit.session, verdicts=verdicts)
        unit.advance(len(verdicts))
        if not context.in_pipeline:  # there the cluster step has counted the same themes
            unit.count(themes=len(verdicts))
    flagged = sum(verdict.flag is not None for verdict in verdicts.values())
    log.info(
        "trends_judged",
        message=f"Judged {len(verdicts):,} themes; {flagged:,} have a trend",
        themes=len(verdicts),
        flagged=flagged,
    )
    return None


def judge_all(
    histories: Mapping[int, History],
    series: Mapping[int, Mapping[dt.date, int]],
    tickets: Mapping[dt.date, TicketDay],
    coverage: Coverage | None,
) -> dict[int, Verdict]:
    """{theme id: verdict}."""
    if coverage is None:
        return dict.fromkeys(histories, Verdict(None, "Too few to tell: no complete day is covered yet", None, {}))
    latest = coverage.latest(_FACTOR_DAYS)
    totals = fill_days({day: one.tickets for day, one in tickets.items()}, latest)
    judged = coverage.latest(BASELINE + 1)
    factors = spread_factors(estimate_weekday_factors(totals, latest.first), judged)
    counts = np.array([fill_days(series.get(theme, {}), judged) for theme in histories])
    return dict(zip(histories, judge_themes(counts, factors, coverage, list(histories.values())), strict=True))


def _count_unread(tickets: Mapping[dt.date, TicketDay], coverage: Coverage | None) -> str | None:
    """What is missing, in words, when too many of the latest tickets were never analysed."""
    if coverage is None:
        return None
    since = coverage.last - dt.timedelta(days=_READ_DAYS - 1)
    latest = [one for day, one in tickets.items() if since <= day <= coverage.last]
    total, unread = sum(one.tickets for one in latest), sum(one.unread for one in latest)
    if unread <= MOST_UNREAD * total:
        return None
    return f"{unread:,} of the {total:,} tickets of the last {_READ_DAYS} days are not analysed yet"


def refresh_days(session: Session, *, zone: str) -> None:
    """Make `theme_days` what the live issues of the live themes say."""
    session.execute(
        text("""
            WITH fresh AS (
              SELECT issue.theme_id, CAST(issue.occurred_at AT TIME ZONE :zone AS date) AS day,
                CAST(count(*) AS integer) AS reports,
                CAST(nullif(count(DISTINCT ticket.customer_id), 0) AS integer) AS customers
              FROM issues AS issue
                JOIN themes AS theme ON theme.id = issue.theme_id AND theme.retired_at IS NULL
                JOIN tickets AS ticket ON ticket.id = issue.ticket_id
              WHERE issue.retired_at IS NULL GROUP BY 1, 2),
            gone AS (
              DELETE FROM theme_days AS old WHERE NOT EXISTS (
                SELECT FROM fresh WHERE fresh.theme_id = old.theme_id AND fresh.day = old.day))
            INSERT INTO theme_days AS old (theme_id, day, reports, customers)
            SELECT theme_id, day, reports, customers FROM fresh
            ON CONFLICT (theme_id, day) DO UPDATE SET reports = excluded.reports, customers = excluded.customers
            WHERE (old.reports, old.customers) IS DISTINCT FROM (excluded.reports, excluded.customers)"""),
        {"zone": zone},
    )


def list_ticket_days(session: Session, *, zone: str) -> tuple[dt.date, dict[dt.date, TicketDay]]:
    """Today in `zone` by the database's clock, and the tickets of each day that has any."""
    today = session.execute(text("SELECT CAST(now() AT TIME ZONE :zone AS date)"), {"zone": zone}).scalar_one()
    rows = session.execute(
        text("""
            SELECT CAST(created_at AT TIME ZONE :zone AS date) AS day, count(*) AS tickets,
              count(*) FILTER (WHERE analyzed_at IS NULL) AS unread
            FROM tickets WHERE deleted_at IS NULL GROUP BY 1"""),
        {"zone": zone},
    )
    return today, {row.day: TicketDay(row.tickets, row.unread) for row in rows}


def list_histories(session: Session, *, zone: str) -> dict[int, History]:
    """Of each live theme: first and latest day, reporting tickets and distinct customers (None: no ticket has one)."""
    rows = session.execute(
        text("""
            SELECT theme.id, CAST(min(issue.occurred_at) AT TIME ZONE :zone AS date) AS first,
              CAST(max(issue.occurred_at) AT TIME ZONE :zone AS date) AS last,
              count(DISTINCT issue.ticket_id) AS reports,
              nullif(count(DISTINCT ticket.customer_id), 0) AS customers
            FROM themes AS theme
              JOIN issues AS issue ON issue.theme_id = theme.id AND issue.retired_at IS NULL
              JOIN tickets AS ticket ON ticket.id = issue.ticket_id
            WHERE theme.retired_at IS NULL GROUP BY theme.id ORDER BY theme.id"""),
        {"zone": zone},
    )
    return {row.id: History(row.first, row.last, row.reports, row.customers) for row in rows}


def list_series(session: Session, *, zone: str, days: Coverage) -> dict[int, dict[dt.date, int]]:
    """Who reported each live theme on each of `days`: distinct customers, and tickets where the customer is unknown.

    One loud customer is no trend, so a customer counts once a day, as do two issues of one ticket.
    """
    rows = session.execute(
        text("""
            SELECT issue.theme_id, CAST(issue.occurred_at AT TIME ZONE :zone AS date) AS day,
              count(DISTINCT (ticket.customer_id, CASE WHEN ticket.customer_id IS NULL THEN ticket.id END)) AS voices
            FROM issues AS issue
              JOIN themes AS theme ON theme.id = issue.theme_id AND theme.retired_at IS NULL
              JOIN tickets AS ticket ON ticket.id = issue.ticket_id
            WHERE issue.retired_at IS NULL
              AND CAST(issue.occurred_at AT TIME ZONE :zone AS date) BETWEEN :first AND :last
            GROUP BY 1, 2"""),
        {"zone": zone, "first": days.first, "last": days.last},
    )
    series: dict[int, dict[dt.date, int]] = defaultdict(dict)
    for row in rows:
        series[row.theme_id][row.day] = row.voices
    return series


_RECORD = text("""
    UPDATE themes AS theme SET flag = verdict.flag, judged_at = now(),
      flagged_at = CASE WHEN theme.flag = verdict.flag THEN theme.flagged_at
                        WHEN verdict.flag IS NOT NULL THEN now() END,
      trend_sentence = verdict.sentence, trend_numbers = CAST(verdict.numbers AS jsonb)
    FROM unnest(:ids, :flags, :sentences, :numbers) AS verdict (id, flag, sentence, numbers)
    WHERE theme.id = verdict.id AND theme.retired_at IS NULL""").bindparams(
    bindparam("ids", type_=ARRAY(BigInteger)),
    *(bindparam(name, type_=ARRAY(Text)) for name in ("flags", "sentences", "numbers")),
)


def record_verdicts(session: Session, *, verdicts: Mapping[int, Verdict]) -> None:
    """Store verdicts on their themes; a flag that stands already keeps the moment it was first raised."""
    session.execute(
        _RECORD,
        {
            "ids": list(verdicts),
            "flags": [verdict.flag for verdict in verdicts.values()],
            "sentences": [verdict.sentence for verdict in verdicts.values()],
            "numbers": [json.dumps(verdict.numbers) for verdict in verdicts.values()],
        },
    )
