"""Issues: the list, and those that are similar to one."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import read_query
from dashboard.http import View
from dashboard.listing import shared
from dashboard.lists import cut_issues, scope_in
from dashboard.scopes import IssueQuery, parameters_of
from miner.issues import queries
from miner.issues.readers import LOCAL_VERSION
from miner.issues.scopes import model_in_force
from miner.issues.scores import find_quality
from miner.paging import Count

PAGE = 50


def issue_list(request: Request, session: Session) -> View:
    asked = read_query(request, IssueQuery)
    found = cut_issues(session, asked, PAGE, counted=True)
    left_out = Count(0) if asked.quotes else _count_unverified(session, asked)
    by_rules = any(issue.analyzer == "local" for issue in found.rows)
    return View(
        "issues/list.html",
        shared(request, session, asked, "issues")
        | {
            "found": found,
            "unverified": left_out,
            "reports": parameters_of(asked, "quotes"),
            "quality": find_quality(session),
            "offer": by_rules and model_in_force(request.app.state.config) != LOCAL_VERSION,
        },
    )


def similar(request: Request, session: Session) -> View:
    """The issues most like one, as suggestions: by meaning and words, so this loads numpy and scipy, but no model."""
    from miner.themes.similar import similar_issues

    one = queries.get_issue(session, request.path_params["id"])
    found = [suggestion.id for suggestion in similar_issues(session, one.id)]
    return View("issues/similar.html", {"issue": one, "similar": queries.list_issues_by_id(session, found)})


def _count_unverified(session: Session, asked: IssueQuery) -> Count:
    return queries.count_issues(session, scope=replace(scope_in(session, asked), verified=False))
