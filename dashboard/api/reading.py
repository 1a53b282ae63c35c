"""What there is, as JSON: the same queries that the pages read."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.api import shapes
from dashboard.forms import (
    IssueQuery,
    Query,
    RunQuery,
    ThemeQuery,
    parse_count_key,
    parse_id_key,
    parse_time_key,
    read_query,
    time_key,
)
from dashboard.http import cut
from miner.issues import queries as issues
from miner.runs import queries as runs
from miner.themes import queries as themes
from miner.tickets import queries as tickets

PAGE = 100


def run_list(request: Request, session: Session) -> dict[str, Any]:
    asked = read_query(request, RunQuery, strict=True)
    rows = runs.list_runs(
        session, job=asked.job or None, state=asked.state or None, before=parse_id_key(asked.before), limit=PAGE + 1
    )
    return shapes.listing(cut(rows, PAGE, lambda run: str(run.id)), shapes.run)


def run(request: Request, session: Session) -> dict[str, Any]:
    read_query(request, Query, strict=True)
    one = runs.get_run(session, request.path_params["id"])
    steps = runs.list_steps(session, [one.id])[one.id]
    return {**shapes.run(one), "steps": [shapes.step(step) for step in steps]}


def theme_list(request: Request, session: Session) -> dict[str, Any]:
    asked = read_query(request, ThemeQuery, strict=True)
    rows = themes.list_themes(
        session,
        text=asked.text or None,
        type_=asked.type or None,
        flag=asked.flag or None,
        after=parse_count_key(asked.after),
        limit=PAGE + 1,
    )
    return shapes.listing(cut(rows, PAGE, lambda theme: f"{theme.issue_count}.{theme.id}"), shapes.theme)


def issue_list(request: Request, session: Session) -> dict[str, Any]:
    asked = read_query(request, IssueQuery, strict=True)
    rows = issues.list_issues(
        session,
        type_=asked.type or None,
        severity=asked.severity or None,
        after=parse_time_key(asked.after),
        limit=PAGE + 1,
    )
    return shapes.listing(cut(rows, PAGE, lambda issue: time_key(issue.occurred_at, issue.id)), shapes.issue)


def ticket(request: Request, session: Session) -> dict[str, Any]:
    read_query(request, Query, strict=True)
    one = tickets.get_ticket(session, request.path_params["id"])
    return shapes.ticket(
        one,
        tickets.list_comments(session, one.id),
        issues.list_issues_of_ticket(session, one.id),
        tickets.list_analyses(session, one.id),
    )
