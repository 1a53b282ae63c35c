"""The figures of themes in a window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from miner import db
from miner.issues.scope import Scope
from miner.models import Customer, Theme
from miner.themes.windows import Figures, Window, count_windows
from tests.factories import NOON, make_issue, make_theme, make_ticket

NOW = Window(NOON, NOON + dt.timedelta(days=7))
BEFORE = Window(NOON - dt.timedelta(days=7), NOON)


def customer(session: Session, key: str, **columns: Any) -> Customer:
    made = Customer(source="zendesk:x", kind="organization", external_key=key, **columns)
    session.add(made)
    session.flush()
    return made


def report(session: Session, theme: Theme, who: Customer | None, *, days: float = 0, **columns: Any) -> int:
    """A ticket of `who` with one issue, `days` after the window begins; columns of the ticket or of the issue."""
    when = NOON + dt.timedelta(days=days)
    of_ticket = {name: columns.pop(name) for name in ("status",) if name in columns}
    ticket = make_ticket(session, created_at=when, customer_id=who.id if who else None, **of_ticket)
    make_issue(session, ticket, theme_id=theme.id, **columns)
    return ticket.id


def test_a_customer_counts_once_in_a_theme_and_a_window(session: Session) -> None:
    theme, other = make_theme(session), make_theme(session)
    ann, ben = customer(session, "ann"), customer(session, "ben")
    for _ in range(3):
        report(session, theme, ann)
    report(session, theme, ben, days=6.99)
    report(session, theme, ben, days=-1)
    report(session, theme, ann, days=-2)
    report(session, theme, customer(session, "eve"), days=7)
    report(session, other, ann)
    found = count_windows(session, [theme.id, other.id], now=NOW, before=BEFORE)
    mine = found[theme.id]
    assert (mine.customers, mine.reports, mine.customers_before, mine.reports_before) == (2, 4, 2, 2)
    assert (found[other.id].customers, found[other.id].reports) == (1, 1)


def test_unknown_plan_and_unknown_revenue_are_said(session: Session) -> None:
    theme = make_theme(session)
    for key, columns in {
        "a": {"plan": "Pro", "revenue": Decimal("1000.50"), "currency": "EUR"},
        "b": {"plan": "Pro", "revenue": Decimal(2000), "currency": "EUR"},
        "c": {"plan": "Free", "revenue": Decimal(0), "currency": "EUR"},
        "d": {},
        "e": {"revenue": Decimal(900), "currency": "USD"},
    }.items():
        report(session, theme, customer(session, key, **columns))
    report(session, theme, None)
    report(session, theme, None)
    report(session, theme, customer(session, "before", plan="Old", revenue=Decimal(9)), days=-1)
    found = count_windows(session, [theme.id], now=NOW, before=BEFORE)[theme.id]
    assert found.plans == [("Pro", 2), (None, 2), ("Free", 1)]
    assert (found.revenue, found.currency, found.revenue_unknown) == (Decimal("3000.50"), "EUR", 2)
    assert (found.customers, found.reports, found.reports_without_customer) == (5, 7, 2)


def test_no_known_revenue_is_unknown_and_not_nothing(session: Session) -> None:
    theme = make_theme(session)
    report(session, theme, customer(session, "a"))
    found = count_windows(session, [theme.id], now=NOW, before=None)[theme.id]
    assert (found.revenue, found.currency, found.revenue_unknown) == (None, None, 1)


def test_a_figure_without_a_currency_counts_where_none_has_one(session: Session) -> None:
    theme = make_theme(session)
    report(session, theme, customer(session, "a", revenue=Decimal(10)))
    found = count_windows(session, [theme.id], now=NOW, before=None)[theme.id]
    assert (found.revenue, found.currency, found.revenue_unknown) == (Decimal(10), None, 0)


def test_open_tickets_are_distinct_and_of_the_window(session: Session) -> None:
    theme = make_theme(session)
    ann = customer(session, "ann")
    both = make_ticket(session, created_at=NOON, customer_id=ann.id, status="hold")
    make_issue(session, both, theme_id=theme.id)
    make_issue(session, both, theme_id=theme.id, type="performance")
    report(session, theme, ann, status="pending")
    report(session, theme, None, status="new")
    report(session, theme, ann, status="solved")
    report(session, theme, ann, status="open", days=-1)
    found = count_windows(session, [theme.id], now=NOW, before=BEFORE)[theme.id]
    assert found.open_tickets == 3


def test_only_live_issues_with_a_verified_quote_count_and_the_scope_narrows(session: Session) -> None:
    theme = make_theme(session)
    report(session, theme, None, quote_verified=False)
    report(session, theme, None, retired_at=NOON, retired_reason="gone")
    report(session, theme, None, type="performance")
    report(session, theme, None, severity="high")
    scope = Scope(type="performance", starts=NOW.ends)
    assert count_windows(session, [theme.id], now=NOW, before=None)[theme.id].reports == 2
    assert count_windows(session, [theme.id], now=NOW, before=None, scope=scope)[theme.id].reports == 1


def test_a_theme_without_a_report_has_zeros_and_many_cost_one_statement(session: Session) -> None:
    themes = [make_theme(session) for _ in range(30)]
    report(session, themes[0], None)
    session.commit()
    seen: list[str] = []
    note: Callable[..., None] = lambda connection, cursor, statement, *_: seen.append(statement)  # noqa: E731
    event.listen(db.engine(), "before_cursor_execute", note)
    found = count_windows(session, [theme.id for theme in themes], now=NOW, before=BEFORE)
    event.remove(db.engine(), "before_cursor_execute", note)
    assert found[themes[1].id] == Figures()
    assert [found[theme.id].reports for theme in themes] == [1] + [0] * 29
    assert len(seen) == 1
    assert count_windows(session, [], now=NOW, before=None) == {}
