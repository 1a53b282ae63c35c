"""A page of each list, as its query string asks for it: the same for people and for programs."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dashboard.forms import RunQuery, parse_id_key, parse_time_key, time_key
from dashboard.http import Cut, cut
from dashboard.scopes import (
    CustomerQuery,
    IssueQuery,
    ScopeQuery,
    ThemeQuery,
    TicketQuery,
    compared,
    scope_of,
)  # fmt: skip
from miner import settings
from miner.issues import queries as issues
from miner.issues.queries import IssueLine
from miner.issues.scope import Scope
from miner.models import JobRun
from miner.paging import Count
from miner.runs import queries as runs
from miner.themes.ranking import ThemeLine, rank_themes
from miner.tickets import queries as tickets
from miner.tickets.affected import Affected, CustomerLine, list_affected
from miner.tickets.queries import TicketLine


def scope_in(session: Session, asked: ScopeQuery) -> Scope:
    """What is asked for, its days in the workspace's zone."""
    return scope_of(asked, _zone(session, asked))


def cut_runs(session: Session, asked: RunQuery, size: int) -> Cut[JobRun]:
    rows = runs.list_runs(
        session, job=asked.job or None, state=asked.state or None, before=parse_id_key(asked.before), limit=size + 1
    )
    return cut(rows, size, lambda run: str(run.id))


def cut_themes(session: Session, asked: ThemeQuery, size: int) -> Cut[ThemeLine]:
    """`text` is looked for in the names of themes; it narrows none of their numbers."""
    zone = _zone(session, asked)
    found = rank_themes(
        session,
        scope=replace(scope_of(asked, zone), text=None),
        before=compared(asked, zone),
        sort=asked.sort or "biggest",
        by_reports=not tickets.has_customers(session),
        text=asked.text or None,
        after=asked.after or None,
        limit=size + 1,
    )
    return cut(found.rows, size, lambda theme: theme.key, Count(found.total))


def cut_issues(
    session: Session,
    asked: IssueQuery,
    size: int,
    *,
    theme_id: int | None = None,
    all_live: bool = False,
    counted: bool = False,
) -> Cut[IssueLine]:
    """`theme_id` stands above what is asked for; `all_live`: those whose quote is not verified, too."""
    scope = scope_in(session, asked)
    scope = replace(scope, theme=theme_id or scope.theme, verified=None if all_live else scope.verified)
    rows = issues.list_issues(session, scope=scope, after=parse_time_key(asked.after), limit=size + 1)
    total = issues.count_issues(session, scope=scope) if counted else None
    return cut(rows, size, lambda issue: time_key(issue.occurred_at, issue.id), total)


def cut_tickets(session: Session, asked: TicketQuery, size: int, *, counted: bool = True) -> Cut[TicketLine]:
    scope, state = scope_in(session, asked), asked.state or None
    rows = tickets.list_tickets(session, scope=scope, state=state, after=parse_time_key(asked.after), limit=size + 1)
    total = tickets.count_listed(session, scope=scope, state=state) if counted else None
    return cut(rows, size, lambda line: time_key(line.created_at, line.id), total)


def find_customers(session: Session, asked: CustomerQuery, size: int) -> tuple[Cut[CustomerLine], Affected]:
    """`text` is looked for in the names of customers; it narrows none of their numbers."""
    found = list_affected(
        session,
        scope=replace(scope_in(session, asked), text=None),
        sort=asked.sort or "revenue",
        after=asked.after or None,
        limit=size + 1,
        revenue_unknown=asked.revenue == "unknown",
        named=asked.text or None,
    )
    return cut(found.rows, size, lambda line: line.key, Count(found.total)), found


def _zone(session: Session, asked: ScopeQuery) -> ZoneInfo:
    """The settings are read only where a day has to be placed in time."""
    return settings.load(session)[1].zone if asked.from_ or asked.to else ZoneInfo("UTC")
