"""Issues: the list."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import IssueQuery, read_query
from dashboard.http import View
from dashboard.lists import cut_issues

PAGE = 50


def issue_list(request: Request, session: Session) -> View:
    asked = read_query(request, IssueQuery)
    return View("issues/list.html", {"asked": asked, "found": cut_issues(session, asked, PAGE)})
