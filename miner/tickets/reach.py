"""What starting over would do, in numbers, before anybody does it: nothing is changed.

Tickets and issues are counted exactly. Characters are the mean of the newest texts times the tickets, so that a large
account answers at once; what Zendesk takes is a low figure (whole pages of exports) and a high one (each conversation
is a call of its own).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.config import Config
from miner.issues.batching import takes_batches
from miner.issues.knowledge import PromptSize, measure_prompt
from miner.issues.outlook import Outlook, look_ahead, minutes
from miner.issues.readers import LOCAL_VERSION
from miner.issues.scopes import model_in_force
from miner.settings import Settings

PAGE, EXPORTS_A_MINUTE = 1000, 10
CALLS_A_MINUTE = 200  # until the account has told its own
SAMPLE = 500  # newest texts whose length stands for all


@dataclass(frozen=True, slots=True)
class ThemesReach:
    """What rebuilding dissolves: themes and their issues; `kept` are themes that somebody touched."""

    dissolved: int
    kept: int
    issues: int


@dataclass(frozen=True, slots=True)
class AccountReach:
    """An account with what hangs on it. `rows` are all its tickets, `tickets` those that count, `hidden` those of
    other brands; `corrected` are issues that somebody corrected. `ahead` is reading it again (None: it costs nothing),
    `fetching` the time that Zendesk takes, as words."""

    source: str
    state: str
    rows: int
    tickets: int
    hidden: int
    issues: int
    corrected: int
    ahead: Outlook | None
    fetching: str


def count_rebuild(session: Session) -> ThemesReach:
    """As `rebuild_themes` would."""
    row = session.execute(
        text("""
            WITH known AS (SELECT id, name_source <> 'human' AND status = 'new' AND NOT EXISTS (
                SELECT FROM issues WHERE theme_id = themes.id AND theme_pinned) AS goes
              FROM themes WHERE retired_at IS NULL)
            SELECT count(*) FILTER (WHERE goes) AS dissolved, count(*) FILTER (WHERE NOT goes) AS kept,
              (SELECT count(*) FROM issues JOIN known ON known.id = issues.theme_id AND goes
                WHERE issues.retired_at IS NULL) AS issues
            FROM known""")
    ).one()
    return ThemesReach(row.dissolved, row.kept, row.issues)


def list_reaches(session: Session, *, version: int, settings: Settings, config: Config) -> list[AccountReach]:
    """Every Zendesk account whose tickets are or were here, the synced one first."""
    rows = session.execute(
        text("""
            SELECT account.source, state,
              coalesce((SELECT per_minute FROM rate_budgets AS budget
                WHERE budget.source = account.source AND name = 'account'), :calls) AS per_minute, counted.*, found.*
            FROM zendesk_accounts AS account
            CROSS JOIN LATERAL (SELECT count(*) AS rows, count(*) FILTER (WHERE deleted_at IS NULL) AS tickets,
                count(*) FILTER (WHERE gone_reason = 'brand') AS hidden
              FROM tickets WHERE tickets.source = account.source) AS counted
            CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE retired_at IS NULL) AS issues,
                count(*) FILTER (WHERE edited <> '{}') AS corrected
              FROM issues JOIN tickets ON tickets.id = issues.ticket_id
              WHERE tickets.source = account.source) AS found
            ORDER BY state <> 'synced', account.source"""),
        {"calls": CALLS_A_MINUTE},
    ).all()
    if not rows:
        return []
    model = model_in_force(config)
    mean = _mean_length(session)
    size = PromptSize(0) if model == LOCAL_VERSION else measure_prompt(session, settings, version=version)
    return [
        AccountReach(
            row.source,
            row.state,
            row.rows,
            row.tickets,
            row.hidden,
            row.issues,
            row.corrected,
            None if model == LOCAL_VERSION else _ahead(row.rows, mean, size, settings, model),
            _fetching(row.rows, row.per_minute),
        )
        for row in rows
    ]


def list_workers_of(session: Session, keys: Sequence[str]) -> dict[str, int]:
    """{key: the run at work that holds it}: what is in the way now."""
    rows = session.execute(
        text("""
            SELECT key, run_id FROM job_run_keys JOIN job_runs AS run ON run.id = run_id
            WHERE key = ANY(:keys) AND run.state = 'running'"""),
        {"keys": list(keys)},
    )
    return {row.key: row.run_id for row in rows}


def _mean_length(session: Session) -> int:
    found = session.scalar(
        text("""
            SELECT avg(char_length(text)) FROM (
              SELECT text FROM tickets WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT :most) AS newest
            """),
        {"most": SAMPLE},
    )
    return round(found or 0)


def _ahead(tickets: int, mean: int, size: PromptSize, settings: Settings, model: str) -> Outlook:
    batch = takes_batches(settings.reading, settings.batch_above, tickets)
    return look_ahead(
        tickets,
        tickets * (mean + size.a_ticket),
        prefix=size.prefix,
        per_call=settings.tickets_in_call(batch=batch),
        at_once=settings.calls_at_once,
        model=model,
        batch=batch,
    )


def _fetching(tickets: int, per_minute: int) -> str:
    pages = -(-tickets // PAGE)
    exports = 60 * pages / EXPORTS_A_MINUTE
    low, high = minutes(exports), minutes(exports + 60 * tickets / per_minute)
    return f"{low} to {high} minutes" if low != high else "a minute" if low == 1 else f"{low} minutes"
