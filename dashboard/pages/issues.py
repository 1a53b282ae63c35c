"""Issues: the list."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import IssueQuery, parse_time_key, read_query, time_key
from dashboard.http import View, cut
from miner.issues import queries as issues

PAGE = 50


def issue_list(request: Request, session: Session) -> View:
    asked = read_query(request, IssueQuery)
    rows = issues.list_issues(
        session,
        type_=asked.type or None,
        severity=asked.severity or None,
        after=parse_time_key(asked.after),
        limit=PAGE + 1,
    )
    found = cut(rows, PAGE, lambda issue: time_key(issue.occurred_at, issue.id))
    return View("issues/list.html", {"asked": asked, "found": found})
