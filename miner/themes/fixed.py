"""The reports of a fixed theme, split at the time its fix reached customers, and whether the fix holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from miner.models import Issue, Theme, Ticket
from miner.trends.fixes import BEFORE_DAYS, PARTS, Rates, Report, count_since, judge_holding, place_report

LEAST_DAYS = 7  # a rate before the fix is taken from at least so many


@dataclass(frozen=True)
class Split:
    """What a fix did. `counts` are reports by part; those before are of the 56 days before it, or since the first.

    `quiet_days` are since the last report that counts, or the fix. `holding` is (whether it holds, sentence), None: it
    cannot be said yet. `reports` are those of each part, the latest first.
    """

    fixed_at: dt.datetime
    version: str | None
    counts: dict[str, int]
    before_days: int
    quiet_days: int
    holding: tuple[bool, str] | None
    reports: dict[str, list[Report]] = field(default_factory=dict)


def find_split(session: Session, theme: Theme, *, until: dt.date | None, zone: ZoneInfo) -> Split | None:
    """The split of a theme; None: it is not fixed. `until` is the last day whose tickets are all read and counted.

    Without such a day nothing is said about whether the fix holds: what is not here yet looks like silence.
    """
    if theme.fixed_at is None:
        return None
    fixed_at, version = theme.fixed_at, theme.fixed_version
    begin = fixed_at - dt.timedelta(days=BEFORE_DAYS)
    reports = list_reports(session, theme.id, since=begin)
    parts: dict[str, list[Report]] = {part: [] for part in PARTS}
    for one in reports:
        parts[place_report(one, fixed_at=fixed_at, fixed_version=version)].append(one)
    since = count_since(reports, fixed_at=fixed_at, fixed_version=version, zone=zone)
    first = max(begin, theme.first_seen_at or begin)
    before_days = max(LEAST_DAYS, (fixed_at - first).days)
    fixed_on = fixed_at.astimezone(zone).date()
    after_days = (until - fixed_on).days if until else 0
    quiet_days = (until - max(fixed_on, since.last or fixed_on)).days if until else 0
    rates = Rates(
        before=len(parts["before"]),
        before_voices=_count_voices(parts["before"], zone),
        before_days=before_days,
        after=len(parts["after"]),
        after_voices=since.voices,
        after_days=after_days,
    )
    return Split(
        fixed_at,
        version,
        {part: len(rows) for part, rows in parts.items()},
        before_days,
        max(0, quiet_days),
        None if theme.flag == "came_back" else judge_holding(rates, quiet_days=quiet_days),
        parts,
    )


def list_reports(session: Session, theme_id: int, *, since: dt.datetime) -> list[Report]:
    """The reports of a theme since then, the latest first."""
    rows = session.execute(
        select(
            Issue.id,
            Issue.ticket_id,
            Ticket.customer_id,
            Issue.occurred_at,
            func.jsonb_extract_path_text(Issue.facts, "version").label("version"),
            func.jsonb_extract_path_text(Issue.facts, "began").label("began"),
        )
        .join(Ticket, Ticket.id == Issue.ticket_id)
        .where(
            Issue.theme_id == theme_id,
            Issue.retired_at.is_(None),
            Issue.quote_verified,
            Issue.occurred_at >= since,
        )
        .order_by(Issue.occurred_at.desc(), Issue.id.desc())
    )
    return [Report(row.id, row.ticket_id, row.customer_id, row.occurred_at, row.version, row.began) for row in rows]


def _count_voices(reports: Sequence[Report], zone: ZoneInfo) -> int:
    """Who reported, each once a day."""
    beginning = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
    return count_since(reports, fixed_at=beginning, fixed_version=None, zone=zone).voices
