"""What there is, as JSON: the same queries that the pages read."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.api import shapes
from dashboard.api.following import EPISODES, linked_theme
from dashboard.forms import Query, RunQuery, read_query
from dashboard.lists import cut_issues, cut_runs, cut_themes, cut_tickets, find_customers, scope_in
from dashboard.scopes import CustomerQuery, IssueQuery, ScopeQuery, ThemeQuery, TicketQuery
from miner.issues import queries as issues
from miner.runs import queries as runs
from miner.tickets import queries as tickets
from miner.trends import queries as trends

PAGE = 100


def run_list(request: Request, session: Session) -> dict[str, Any]:
    asked = read_query(request, RunQuery, strict=True)
    return shapes.listing(cut_runs(session, asked, PAGE), shapes.run)


def run(request: Request, session: Session) -> dict[str, Any]:
    read_query(request, Query, strict=True)
    one = runs.get_run(session, request.path_params["id"])
    steps = runs.list_steps(session, [one.id])[one.id]
    return {**shapes.run(one), "steps": [shapes.step(step) for step in steps]}


def theme_list(request: Request, session: Session) -> dict[str, Any]:
    if "tracker_url" in request.query_params:
        return {**linked_theme(request, session), "look": shapes.look(trends.find_look(session))}
    asked = read_query(request, ThemeQuery, strict=True)
    found = cut_themes(session, asked, PAGE)
    episodes = trends.list_episodes_of(session, [theme.id for theme in found.rows], each=EPISODES)
    themes = shapes.listing(found, lambda theme: shapes.theme(theme, episodes[theme.id]))
    return {**themes, "look": shapes.look(trends.find_look(session))}


def issue_list(request: Request, session: Session) -> dict[str, Any]:
    asked = read_query(request, IssueQuery, strict=True)
    return shapes.listing(cut_issues(session, asked, PAGE, counted=True), shapes.issue)


def issue_summary(request: Request, session: Session) -> dict[str, Any]:
    asked = read_query(request, ScopeQuery, strict=True)
    return shapes.summary(issues.sum_up_issues(session, scope=scope_in(session, asked)))


def customer_list(request: Request, session: Session) -> dict[str, Any]:
    found, affected = find_customers(session, read_query(request, CustomerQuery, strict=True), PAGE)
    unknown = {"plan_unknown": affected.plan_unknown, "revenue_unknown": affected.revenue_unknown}
    return shapes.listing(found, shapes.customer) | unknown


def ticket_list(request: Request, session: Session) -> dict[str, Any]:
    asked = read_query(request, TicketQuery, strict=True)
    return shapes.listing(cut_tickets(session, asked, PAGE), shapes.ticket_line)


def ticket(request: Request, session: Session) -> dict[str, Any]:
    read_query(request, Query, strict=True)
    one = tickets.get_ticket(session, request.path_params["id"])
    return shapes.ticket(
        one,
        tickets.list_comments(session, one.id),
        issues.list_issues_of_ticket(session, one.id),
        tickets.list_analyses(session, one.id),
    )
