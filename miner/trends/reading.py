"""What the trends step reads: which days are covered and read, and who reported which theme on which day.

Days are those of the workspace's zone; `hour` moves their beginning, for a look in the middle of a day.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.trends.covering import Reader, Span
from miner.trends.fixes import Report, Since, count_since
from miner.trends.wording import History

# What is read differently once these settings change; the product's description is edited too often to forget by.
TAXONOMY = ("areas", "components", "type_definitions", "language", "private_notes")
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Mirror:
    """A mirrored account: everything from `begins` to `ends` is stored; None: not yet. `filling`: more is to come."""

    source: str
    begins: dt.datetime | None
    ends: dt.datetime | None
    filling: bool = False

    def span(self, zone: ZoneInfo, *, hour: int, now: dt.datetime) -> Span | None:
        """The days that lie wholly in it, each from `hour` to `hour`."""
        if self.begins is None or self.ends is None:
            return None
        shift = dt.timedelta(hours=hour)
        begins = self.begins.astimezone(zone).replace(tzinfo=None) - shift
        ends = min(self.ends, now).astimezone(zone).replace(tzinfo=None) - shift
        first = begins.date() if begins.time() == dt.time() else begins.date() + _DAY
        last = ends.date() - _DAY
        return Span(first, last) if first <= last else None


def list_mirrors(session: Session) -> tuple[dt.datetime, list[Mirror]]:
    """The database's clock, and the mirrored accounts. What an unfinished window is still to bring is not covered."""
    now = session.execute(text("SELECT now()")).scalar_one()
    rows = session.execute(
        text("""
            SELECT live.source, live.complete_through, open.ends IS NOT NULL AS filling,
              greatest(live.covered_from, open.ends) AS begins
            FROM sync_cursors AS live LEFT JOIN (
              SELECT source, max(end_time) AS ends FROM sync_cursors WHERE lane LIKE 'window %' GROUP BY source)
              AS open ON open.source = live.source
            WHERE live.lane = 'live' ORDER BY live.source""")
    )
    return now, [
        Mirror(
            row.source,
            None if row.begins is None else dt.datetime.fromtimestamp(row.begins, dt.UTC),
            row.complete_through,
            row.filling,
        )
        for row in rows
    ]


def find_files_span(session: Session, *, zone: str, hour: int, mirrors: Sequence[str]) -> Span | None:
    """From the first to the last complete day with a ticket that no mirror brought; None: there is none."""
    row = session.execute(
        text("""
            SELECT min(day) AS first, max(day) AS last FROM (
              SELECT CAST(created_at AT TIME ZONE :zone - make_interval(hours => :hour) AS date) AS day FROM tickets
              WHERE deleted_at IS NULL AND NOT source = ANY(:mirrors)) AS one
            WHERE day < CAST(now() AT TIME ZONE :zone - make_interval(hours => :hour) AS date)"""),
        {"zone": zone, "hour": hour, "mirrors": list(mirrors)},
    ).one()
    return Span(row.first, row.last) if row.first else None


def list_readings(
    session: Session, *, zone: str, hour: int, mirrors: Sequence[str], with_files: bool
) -> list[tuple[dt.date, Reader, int, int]]:
    """(day, reader, tickets, of them unread) by the day a ticket was written.

    One that was read and has changed since waits on the day of its change, where its new words are. A conversation
    that is still to be fetched counts as unread.
    """
    rows = session.execute(
        text("""
            SELECT CAST(CASE WHEN waits AND analyzed_at IS NOT NULL THEN updated_at ELSE created_at END
                AT TIME ZONE :zone - make_interval(hours => :hour) AS date) AS day,
              analyzer, model, settings_version, count(*) AS tickets, count(*) FILTER (WHERE waits) AS unread
            FROM (
              SELECT ticket.created_at, ticket.updated_at, ticket.analyzed_at, reading.*,
                ticket.analyzed_text_hash IS DISTINCT FROM ticket.text_hash OR due.ticket_number IS NOT NULL AS waits
              FROM tickets AS ticket
                LEFT JOIN due_conversations AS due ON due.source = ticket.source
                  AND due.ticket_number = ticket.zendesk_ticket_id AND due.priority < 2
                LEFT JOIN LATERAL (
                  SELECT analyzer, model, settings_version FROM analyses WHERE ticket_id = ticket.id
                  ORDER BY id DESC LIMIT 1) AS reading ON true
              WHERE ticket.deleted_at IS NULL AND (:files OR ticket.source = ANY(:mirrors))) AS one
            GROUP BY day, analyzer, model, settings_version"""),
        {"zone": zone, "hour": hour, "files": with_files, "mirrors": list(mirrors)},
    ).all()
    taxonomies = _list_taxonomies(session)
    return [
        (
            row.day,
            (row.analyzer, row.model, taxonomies[row.settings_version]) if row.analyzer else (),
            row.tickets,
            row.unread,
        )
        for row in rows
    ]


def _list_taxonomies(session: Session) -> dict[int, str]:
    """{settings version: what of it decides how tickets are read}."""
    rows = session.execute(text('SELECT version, "values" FROM settings')).all()
    return {
        row.version: json.dumps({name: row.values[name] for name in TAXONOMY if name in row.values}, sort_keys=True)
        for row in rows
    }


def list_voices(
    session: Session, *, zone: str, hour: int, mirrors: Sequence[str], with_files: bool
) -> dict[int, Mapping[dt.date, int]]:
    """Who reported each live theme on each day: distinct customers, and tickets where the customer is unknown.

    One loud customer is no trend, so a customer counts once a day, as do two issues of one ticket.
    """
    rows = session.execute(
        text("""
            SELECT issue.theme_id, count(DISTINCT (ticket.customer_id,
                CASE WHEN ticket.customer_id IS NULL THEN ticket.id END)) AS voices,
              CAST(issue.occurred_at AT TIME ZONE :zone - make_interval(hours => :hour) AS date) AS day
            FROM issues AS issue
              JOIN themes AS theme ON theme.id = issue.theme_id AND theme.retired_at IS NULL
              JOIN tickets AS ticket ON ticket.id = issue.ticket_id
            WHERE issue.retired_at IS NULL AND issue.quote_verified AND (:files OR ticket.source = ANY(:mirrors))
            GROUP BY issue.theme_id, day"""),
        {"zone": zone, "hour": hour, "files": with_files, "mirrors": list(mirrors)},
    )
    voices: dict[int, dict[dt.date, int]] = defaultdict(dict)
    for row in rows:
        voices[row.theme_id][row.day] = row.voices
    return dict(voices)


def count_writers(
    session: Session, *, zone: str, hour: int, mirrors: Sequence[str], with_files: bool
) -> dict[dt.date, int]:
    """Who wrote on each day, whatever about, counted as in `list_voices`: what a theme's share is a share of."""
    rows = session.execute(
        text("""
            SELECT CAST(created_at AT TIME ZONE :zone - make_interval(hours => :hour) AS date) AS day,
              count(DISTINCT (customer_id, CASE WHEN customer_id IS NULL THEN id END)) AS writers
            FROM tickets WHERE deleted_at IS NULL AND (:files OR source = ANY(:mirrors)) GROUP BY day"""),
        {"zone": zone, "hour": hour, "files": with_files, "mirrors": list(mirrors)},
    )
    return {row.day: row.writers for row in rows}


def list_histories(session: Session, *, zone: str, mirrors: Sequence[str], with_files: bool) -> dict[int, History]:
    """Of each live theme that a judged ticket reports: its first and latest day, and who reported it up to now."""
    which = {"zone": zone, "files": with_files, "mirrors": list(mirrors)}
    rows = session.execute(
        text("""
            SELECT theme.id, CAST(min(issue.occurred_at) AT TIME ZONE :zone AS date) AS first,
              CAST(max(issue.occurred_at) AT TIME ZONE :zone AS date) AS last,
              count(DISTINCT issue.ticket_id) AS reports,
              nullif(count(DISTINCT ticket.customer_id), 0) AS customers,
              CAST(theme.fixed_at AT TIME ZONE :zone AS date) AS fixed,
              theme.came_back_at IS NOT NULL AND NOT EXISTS (
                SELECT FROM theme_episodes WHERE theme_id = theme.id AND kind = 'came_back' AND ended_on IS NULL
              ) AS told
            FROM themes AS theme
              JOIN issues AS issue ON issue.theme_id = theme.id AND issue.retired_at IS NULL AND issue.quote_verified
              JOIN tickets AS ticket ON ticket.id = issue.ticket_id
            WHERE theme.retired_at IS NULL AND (:files OR ticket.source = ANY(:mirrors))
            GROUP BY theme.id ORDER BY theme.id"""),
        which,
    ).all()
    since = _count_since_fixes(session, which)
    return {
        row.id: History(
            row.first, row.last, row.reports, row.customers, row.fixed, since.get(row.id, Since()), row.told
        )
        for row in rows
    }


def _count_since_fixes(session: Session, which: Mapping[str, Any]) -> dict[int, Since]:
    """{theme: who reported it since its fix} of those that are fixed; a report without a verified quote is none."""
    rows = session.execute(
        text("""
            SELECT theme.id, theme.fixed_at, theme.fixed_version, issue.id AS issue_id, issue.ticket_id,
              ticket.customer_id, issue.occurred_at, issue.facts ->> 'version' AS version,
              issue.facts ->> 'began' AS began
            FROM themes AS theme
              JOIN issues AS issue ON issue.theme_id = theme.id AND issue.retired_at IS NULL
                AND issue.quote_verified AND issue.occurred_at >= theme.fixed_at
              JOIN tickets AS ticket ON ticket.id = issue.ticket_id
            WHERE theme.fixed_at IS NOT NULL AND theme.retired_at IS NULL
              AND (:files OR ticket.source = ANY(:mirrors))
            ORDER BY theme.id"""),
        which,
    )
    found = {}
    for (theme, fixed_at, version), group in groupby(rows, key=lambda row: (row.id, row.fixed_at, row.fixed_version)):
        reports = [
            Report(one.issue_id, one.ticket_id, one.customer_id, one.occurred_at, one.version, one.began)
            for one in group
        ]
        zone = ZoneInfo(which["zone"])
        found[theme] = count_since(reports, fixed_at=fixed_at, fixed_version=version, zone=zone)
    return found
