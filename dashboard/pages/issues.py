"""Issues: the list."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import IssueQuery, read_query
from dashboard.http import View
from dashboard.lists import cut_issues
from miner.issues.readers import LOCAL_VERSION
from miner.issues.scopes import model_in_force
from miner.issues.scores import find_quality

PAGE = 50


def issue_list(request: Request, session: Session) -> View:
    asked = read_query(request, IssueQuery)
    found = cut_issues(session, asked, PAGE)
    by_rules = any(issue.analyzer == "local" for issue in found.rows)
    return View(
        "issues/list.html",
        {
            "asked": asked,
            "found": found,
            "quality": find_quality(session),
            "offer": by_rules and model_in_force(request.app.state.config) != LOCAL_VERSION,
        },
    )
