"""How complete the mirror is, as one line that can be believed: what is not known says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

UNKNOWN = "how complete the mirror is, is unknown"


@dataclass(frozen=True, slots=True)
class Account:
    """An account whose tickets are here: `tickets` that count, `hidden` because of their brand, and its line."""

    source: str
    state: str
    tickets: int
    hidden: int
    line: str


def completeness_line(session: Session, source: str) -> str | None:
    """The line of an account, from its last comparison and what was synced since; None: nothing is synced."""
    row = session.execute(text(_FACTS), {"sources": [source]}).one_or_none()
    return _line(row) if row else None


def list_lines(session: Session) -> list[tuple[str, str]]:
    """(account, its line) of each account that is synced."""
    rows = session.execute(
        text(f"""
            WITH facts AS ({_FACTS.replace(":sources", "ARRAY(SELECT source FROM zendesk_accounts)")})
            SELECT account.source AS account, facts.* FROM zendesk_accounts AS account LEFT JOIN facts USING (source)
            WHERE state = 'synced' ORDER BY 1""")  # noqa: S608 - a constant
    )
    return [(row.account, _line(row) if row.source else UNKNOWN) for row in rows]


_FACTS = """
    SELECT live.source, live.complete_through, to_timestamp(live.covered_from) AS since,
      (SELECT count(*) FROM due_conversations AS due WHERE due.source = live.source) AS waiting,
      EXISTS (SELECT FROM sync_cursors AS one WHERE one.source = live.source AND lane LIKE 'window %') AS filling,
      last.*
    FROM sync_cursors AS live LEFT JOIN LATERAL (
      SELECT complete_through AS checked_through, missing, vanished, at FROM mirror_checks AS one
      WHERE one.source = live.source ORDER BY id DESC LIMIT 1) AS last ON true
    WHERE live.source = ANY(:sources) AND live.lane = 'live'"""


def _line(row: Row[Any]) -> str:
    through = max((moment for moment in (row.complete_through, row.checked_through) if moment), default=None)
    line = f"mirror complete through {through:%Y-%m-%d %H:%M} UTC" if through else "mirror not complete yet"
    if through and row.since:
        line += f" for what changed since {row.since:%Y-%m-%d}"
    if row.filling:
        line += ", older tickets are still to come"
    if row.waiting:
        line += f", but for {row.waiting:,} conversations that wait"
    if row.at is None:
        return f"{line}; whether any is missing is unknown until the first comparison"
    return f"{line}; {row.missing:,} missing when compared on {row.at:%Y-%m-%d}" + (
        f", {row.vanished:,} removed that the account no longer has" if row.vanished else ""
    )


def list_accounts(session: Session) -> list[Account]:
    """Every account, the synced one first."""
    rows = session.execute(
        text("""
            SELECT account.source, state,
              count(*) FILTER (WHERE ticket.source IS NOT NULL AND deleted_at IS NULL) AS tickets,
              count(*) FILTER (WHERE gone_reason = 'brand') AS hidden
            FROM zendesk_accounts AS account LEFT JOIN tickets AS ticket ON ticket.source = account.source
            GROUP BY 1, 2 ORDER BY state <> 'synced', 1""")
    ).all()
    lines = dict(list_lines(session))
    return [Account(**row._mapping, line=lines.get(row.source, "no longer synced")) for row in rows]
