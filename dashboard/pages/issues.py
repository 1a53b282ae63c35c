"""Issues: the list, and those that are similar to one."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import IssueQuery, read_query
from dashboard.http import View
from dashboard.lists import cut_issues
from miner.issues import queries
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
            "about": asked.text or asked.type or asked.severity or asked.theme,
            "offer": by_rules and model_in_force(request.app.state.config) != LOCAL_VERSION,
        },
    )


def similar(request: Request, session: Session) -> View:
    """The issues most like one, as suggestions: by meaning and words, so this loads numpy and scipy, but no model."""
    from miner.themes.similar import similar_issues

    one = queries.get_issue(session, request.path_params["id"])
    found = [suggestion.id for suggestion in similar_issues(session, one.id)]
    return View("issues/similar.html", {"issue": one, "similar": queries.list_issues_by_id(session, found)})
