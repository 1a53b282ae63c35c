"""Which reports a scope means, on real rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.issues.scope import Scope, conditions, joined
from miner.models import Customer, Issue
from tests.factories import NOON, make_issue, make_theme, make_ticket


def customer(session: Session, **columns: Any) -> Customer:
    count = len(session.scalars(select(Customer.id)).all())
    made = Customer(**{"source": "zendesk:x", "kind": "organization", "external_key": f"o{count}", **columns})
    session.add(made)
    session.flush()
    return made


def found(session: Session, scope: Scope) -> set[int]:
    return set(session.scalars(select(Issue.id).select_from(joined()).where(*conditions(scope))))


def test_a_report_is_a_live_issue_whose_quote_is_verified(session: Session) -> None:
    ticket = make_ticket(session)
    report = make_issue(session, ticket)
    make_issue(session, ticket, retired_at=NOON, retired_reason="gone")
    unverified = make_issue(session, ticket, quote_verified=False)
    make_issue(session, ticket, quote_verified=False, retired_at=NOON, retired_reason="gone")
    assert found(session, Scope()) == {report.id}
    assert found(session, Scope(verified=False)) == {unverified.id}
    assert found(session, Scope(verified=None)) == {report.id, unverified.id}


NARROWED = [
    ({"type": "bug"}, {"type": "performance"}, Scope(type="bug")),
    ({"area": "Export"}, {"area": None}, Scope(area="Export")),
    ({"area": None}, {"area": "Export"}, Scope(area="unknown")),
    ({"severity": "high"}, {"severity": "low"}, Scope(severity="high")),
    ({"facts": {"platform": "iOS "}}, {"facts": {"platform": "Android"}}, Scope(platform="ios")),
    ({"facts": {"platform": ""}}, {"facts": {"platform": "iOS"}}, Scope(platform="unknown")),
    ({"facts": {"version": "4.2"}}, {"facts": {"version": "4.20"}}, Scope(version="4.2")),
    ({}, {"facts": {"version": "4.2"}}, Scope(version="unknown")),
    ({"summary": "Export to CSV fails"}, {"summary": "Import fails"}, Scope(text="export csv")),
    ({"summary": "Export to CSV fails"}, {"summary": "Export to PDF fails"}, Scope(text='"export to csv" -pdf')),
    ({"occurred_at": NOON}, {"occurred_at": NOON - dt.timedelta(microseconds=1)}, Scope(starts=NOON)),
    ({"occurred_at": NOON - dt.timedelta(microseconds=1)}, {"occurred_at": NOON}, Scope(ends=NOON)),
]


@pytest.mark.parametrize(("within", "without", "scope"), NARROWED)
def test_what_an_issue_says_narrows(
    session: Session, within: dict[str, Any], without: dict[str, Any], scope: Scope
) -> None:
    ticket = make_ticket(session, text="Trouble\n\nIt does not work.")
    inside = make_issue(session, ticket, **{"summary": "It fails", **within})
    make_issue(session, ticket, **{"summary": "It fails", **without})
    assert found(session, scope) == {inside.id}


def test_its_theme_narrows(session: Session) -> None:
    planned = make_theme(session, status="planned", owner="kim", flag="rising", flagged_at=NOON)
    other = make_theme(session, status="new")
    inside, outside = make_issue(session, theme_id=planned.id), make_issue(session, theme_id=other.id)
    loose = make_issue(session)
    assert found(session, Scope(theme=planned.id)) == {inside.id}
    assert found(session, Scope(theme="none")) == {loose.id}
    assert found(session, Scope(status="planned")) == {inside.id}
    assert found(session, Scope(flag="rising")) == {inside.id}
    assert found(session, Scope(status="new")) == {outside.id}
    assert found(session, Scope(owner="kim")) == {inside.id}
    assert found(session, Scope(owner="unknown")) == {outside.id, loose.id}


def test_its_ticket_narrows(session: Session) -> None:
    first = make_issue(session, make_ticket(session, status="Pending", raw={"brand_id": 360}))
    second = make_issue(session, make_ticket(session, status="solved", raw={}))
    third = make_issue(session, make_ticket(session, status="dormant", raw={"brand_id": "361"}))
    assert found(session, Scope(open=True)) == {first.id}
    assert found(session, Scope(brand="360")) == {first.id}
    assert found(session, Scope(brand="361")) == {third.id}
    assert found(session, Scope(brand="unknown")) == {second.id}


def test_its_customer_narrows_and_unknown_is_a_value(session: Session) -> None:
    rich = customer(session, plan="Pro", segment="Retail", revenue=Decimal(5))
    plain = customer(session)
    first = make_issue(session, make_ticket(session, customer_id=rich.id))
    second = make_issue(session, make_ticket(session, customer_id=plain.id))
    third = make_issue(session)
    assert found(session, Scope(plan="Pro")) == {first.id}
    assert found(session, Scope(plan="unknown")) == {second.id, third.id}
    assert found(session, Scope(segment="Retail")) == {first.id}
    assert found(session, Scope(segment="unknown")) == {second.id, third.id}
    assert found(session, Scope(customer=plain.id)) == {second.id}
    assert found(session, Scope(customer="unknown")) == {third.id}


def test_conditions_join(session: Session) -> None:
    theme = make_theme(session)
    inside = make_issue(session, theme_id=theme.id, type="bug", severity="high")
    make_issue(session, theme_id=theme.id, type="bug", severity="low")
    make_issue(session, type="bug", severity="high")
    assert found(session, Scope(theme=theme.id, type="bug", severity="high")) == {inside.id}
