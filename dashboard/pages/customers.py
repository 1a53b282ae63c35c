"""Customers: who reported what, what they pay, and whom to call."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import read_query
from dashboard.http import View
from dashboard.listing import shared
from dashboard.lists import find_customers, scope_in
from dashboard.scopes import CustomerQuery
from miner.issues.queries import count_issues
from miner.issues.scores import find_quality
from miner.tickets import queries as tickets
from miner.tickets.affected import asks_for_reports, main_currency

PAGE = 50


def customer_list(request: Request, session: Session) -> View:
    asked = read_query(request, CustomerQuery)
    found, affected = find_customers(session, asked, PAGE)
    scope = replace(scope_in(session, asked), text=None)
    return View(
        "customers.html",
        shared(request, session, asked, "customers")
        | {
            "found": found,
            "affected": affected,
            "known": tickets.has_customers(session),
            "unknown": count_issues(session, scope=replace(scope, customer="unknown")),
            "asking": asks_for_reports(scope),
            "currency": session.scalar(select(main_currency())),
            "counts": tickets.count_tickets(session),
            "quality": find_quality(session),
        },
    )
