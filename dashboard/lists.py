"""A page of each list, as its query string asks for it: the same for people and for programs."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dashboard.forms import (
    IssueQuery,
    RunQuery,
    ThemeQuery,
    parse_count_key,
    parse_id_key,
    parse_time_key,
    time_key,
)
from dashboard.http import Cut, cut
from miner.issues import queries as issues
from miner.issues.queries import IssueLine
from miner.models import JobRun, Theme
from miner.runs import queries as runs
from miner.themes import queries as themes


def cut_runs(session: Session, asked: RunQuery, size: int) -> Cut[JobRun]:
    rows = runs.list_runs(
        session, job=asked.job or None, state=asked.state or None, before=parse_id_key(asked.before), limit=size + 1
    )
    return cut(rows, size, lambda run: str(run.id))


def cut_themes(session: Session, asked: ThemeQuery, size: int) -> Cut[Theme]:
    rows = themes.list_themes(
        session,
        text=asked.text or None,
        type_=asked.type or None,
        flag=asked.flag or None,
        after=parse_count_key(asked.after),
        limit=size + 1,
    )
    return cut(rows, size, lambda theme: f"{theme.issue_count}.{theme.id}")


def cut_issues(session: Session, asked: IssueQuery, size: int, *, theme_id: int | None = None) -> Cut[IssueLine]:
    rows = issues.list_issues(
        session,
        theme_id=theme_id,
        type_=asked.type or None,
        severity=asked.severity or None,
        text=asked.text or None,
        placed=False if asked.theme else None,
        after=parse_time_key(asked.after),
        limit=size + 1,
    )
    return cut(rows, size, lambda issue: time_key(issue.occurred_at, issue.id))
