"""Who reported, on real rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from miner.issues.scope import Scope
from miner.models import Customer, Issue
from miner.tickets.affected import SORTS, Affected, list_affected
from tests.factories import NOON, make_issue, make_theme, make_ticket

_keys = iter(range(1_000_000))
DAY = dt.timedelta(days=1)


def customer(session: Session, **columns: Any) -> Customer:
    made = Customer(source="zendesk:x", kind="organization", external_key=f"o{next(_keys)}", **columns)
    session.add(made)
    session.flush()
    return made


def report(session: Session, who: Customer | None, *, days: int = 0, status: str = "open", **columns: Any) -> Issue:
    when = NOON + days * DAY
    ticket = make_ticket(session, customer_id=who.id if who else None, created_at=when, status=status)
    return make_issue(session, ticket, **columns)


def listed(session: Session, **asked: Any) -> Affected:
    return list_affected(session, scope=asked.pop("scope", Scope()), **asked)


def test_a_customer_is_listed_once_with_the_reports_of_the_scope(session: Session) -> None:
    theme = make_theme(session)
    ann = customer(
        session, name="Ann Ltd", plan="Pro", revenue=Decimal(5), currency="EUR", owner="kim", segment="Retail"
    )
    first = report(session, ann, theme_id=theme.id, quote="first")
    report(session, ann, days=1, theme_id=theme.id, quote="other", status="solved")
    last = report(session, ann, days=2, theme_id=theme.id, quote="the last")
    report(session, ann, days=5, quote="of another theme")
    report(session, customer(session))
    report(session, None, theme_id=theme.id)
    found = listed(session, scope=Scope(theme=theme.id))
    (line,) = found.rows
    assert found.total == 1
    assert (line.name, line.plan, line.segment, line.owner) == ("Ann Ltd", "Pro", "Retail", "kim")
    assert (line.reports, line.open_tickets, line.quote) == (3, 2, last.quote)
    assert (line.issue_id, line.ticket_id) == (last.id, last.ticket_id)
    assert (line.first_report_at, line.last_report_at) == (first.occurred_at, last.occurred_at)


def test_without_a_scope_everybody_with_a_ticket_is_listed(session: Session) -> None:
    silent, gone = customer(session), customer(session)
    make_ticket(session, customer_id=silent.id, status="pending")
    make_ticket(session, customer_id=gone.id, deleted_at=NOON)
    customer(session)
    (line,) = listed(session).rows
    assert (line.id, line.reports, line.last_report_at, line.quote, line.open_tickets) == (silent.id, 0, None, None, 1)
    assert line.name == silent.external_key
    assert listed(session, scope=Scope(type="bug")).rows == []
    assert [one.id for one in listed(session, scope=Scope(plan="unknown")).rows] == [silent.id]
    assert [one.id for one in listed(session, scope=Scope(customer=silent.id)).rows] == [silent.id]
    assert listed(session, scope=Scope(customer="unknown")).rows == []


def test_the_order_is_by_revenue_open_tickets_or_recency(session: Session) -> None:
    rich = customer(session, revenue=Decimal("90.5"), currency="EUR")
    free = customer(session, revenue=Decimal(0), currency="EUR")
    abroad = customer(session, revenue=Decimal(5000), currency="USD")
    unknown = customer(session)
    report(session, rich, status="solved")
    report(session, free, days=1, status="solved")
    report(session, abroad, days=3)
    for _ in range(2):
        report(session, unknown, days=2)

    def order(sort: str) -> list[int]:
        return [line.id for line in listed(session, sort=sort).rows]

    assert order("revenue") == [rich.id, free.id, abroad.id, unknown.id]
    assert order("open") == [unknown.id, abroad.id, rich.id, free.id]
    assert order("recent") == [abroad.id, unknown.id, free.id, rich.id]
    without = listed(session, revenue_unknown=True)
    assert ([line.id for line in without.rows], without.total) == ([abroad.id, unknown.id], 2)
    assert (listed(session, limit=1).plan_unknown, listed(session, limit=1).revenue_unknown) == (4, 2)


@pytest.mark.parametrize(("named", "found"), [("ann", 1), ("LTD", 2), ("%", 0), ("", 2)])
def test_customers_are_found_by_their_names_as_written(session: Session, named: str, found: int) -> None:
    for name in ("Ann Ltd", "Ben Ltd"):
        report(session, customer(session, name=name))
    assert listed(session, named=named).total == found


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("scope", [Scope(), Scope(type="bug")], ids=["everybody", "of a scope"])
def test_every_customer_comes_once_however_many_share_a_place(session: Session, sort: str, scope: Scope) -> None:
    for number in range(9):
        who = customer(session, revenue=Decimal(number % 2) if number % 3 else None, currency="EUR")
        report(session, who, days=number % 2)
    whole = listed(session, scope=scope, sort=sort)
    seen, after = [], None
    while page := listed(session, scope=scope, sort=sort, after=after, limit=2).rows:
        seen += [line.id for line in page]
        after = page[-1].key
    assert seen == [line.id for line in whole.rows]
    assert whole.total == len(set(seen)) == 9
