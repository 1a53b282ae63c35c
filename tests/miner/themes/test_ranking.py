"""Themes in the order of a formula."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from miner.errors import InvalidArguments
from miner.issues.scope import Scope
from miner.models import Customer, Theme
from miner.themes.ranking import SORTS, rank_themes
from miner.themes.windows import Window
from tests.factories import NOON, make_issue, make_theme, make_ticket

WEEK = dt.timedelta(days=7)
_keys = iter(range(1_000_000))


def customer(session: Session, **columns: Any) -> Customer:
    made = Customer(source="zendesk:x", kind="organization", external_key=f"o{next(_keys)}", **columns)
    session.add(made)
    session.flush()
    return made


def theme(session: Session, customers: int = 0, reports: int = 0, *, days: int = 0, **columns: Any) -> Theme:
    """A theme that `customers` reported, and as many reports as are missing of which nobody knows who wrote."""
    of_issue = {name: columns.pop(name) for name in ("severity", "severity_phrase", "type") if name in columns}
    paying = columns.pop("paying", {})
    when = NOON + dt.timedelta(days=days)
    made = make_theme(session, **columns)
    for number in range(max(customers, reports)):
        who = customer(session, **paying).id if number < customers else None
        ticket = make_ticket(session, customer_id=who, created_at=when)
        make_issue(session, ticket, theme_id=made.id, **of_issue)
    return made


def ids(session: Session, **asked: Any) -> list[int]:
    return [line.id for line in rank_themes(session, scope=asked.pop("scope", Scope()), **asked).rows]


def test_the_biggest_has_the_most_customers_then_the_worst_severity_then_the_most_reports(session: Session) -> None:
    few = theme(session, 1, 9, severity="high")
    two = theme(session, 2)
    more = theme(session, 2, 3)
    worse = theme(session, 2, severity="critical", severity_phrase="nobody can work")
    none = theme(session)
    retired = theme(session, 5, retired_at=NOON)
    assert ids(session) == [worse.id, more.id, two.id, few.id, none.id]
    assert retired.id not in ids(session)


def test_where_nobody_knows_who_wrote_the_biggest_has_the_most_reports(session: Session) -> None:
    one = theme(session, 0, 1, severity="critical", severity_phrase="nobody can work")
    many = theme(session, 0, 3)
    assert ids(session, by_reports=True) == [many.id, one.id]


def test_the_most_valuable_has_the_most_known_revenue_and_unknown_is_not_nothing(session: Session) -> None:
    unknown = theme(session, 3)
    free = theme(session, 1, paying={"revenue": Decimal(0), "currency": "EUR"})
    rich = theme(session, 1, paying={"revenue": Decimal("10.5"), "currency": "EUR"})
    assert ids(session, sort="valuable") == [rich.id, free.id, unknown.id]
    figures = rank_themes(session, scope=Scope(theme=unknown.id)).rows[0].figures
    assert (figures.revenue, figures.revenue_unknown) == (None, 3)


def test_newest_and_latest_go_by_the_first_and_the_latest_report(session: Session) -> None:
    old = theme(session, 1, days=5, first_seen_at=NOON - WEEK)
    new = theme(session, 1, days=1, first_seen_at=NOON)
    never = theme(session)
    assert ids(session, sort="newest") == [new.id, old.id, never.id]
    assert ids(session, sort="latest") == [old.id, new.id, never.id]


def test_numbers_are_of_the_reports_in_the_scope_and_the_time(session: Session) -> None:
    mixed = theme(session, 2, 3, type="bug")
    for days in (0, 0, -3):
        ticket = make_ticket(session, created_at=NOON + dt.timedelta(days=days))
        make_issue(session, ticket, theme_id=mixed.id, type="performance")
    theme(session, 2, type="bug")
    scope = Scope(type="performance", starts=NOON, ends=NOON + WEEK)
    found = rank_themes(session, scope=scope, before=Window(NOON - WEEK, NOON))
    assert [(line.id, line.figures.reports, line.figures.reports_before) for line in found.rows] == [(mixed.id, 2, 1)]
    assert found.total == 1


def test_what_is_of_the_theme_narrows_without_asking_for_reports(session: Session) -> None:
    empty = theme(session, status="planned", flag="rising", flagged_at=NOON)
    theme(session, 1, status="new")
    assert ids(session, scope=Scope(status="planned")) == [empty.id]
    assert ids(session, scope=Scope(flag="rising")) == [empty.id]
    assert ids(session, scope=Scope(theme=empty.id)) == [empty.id]
    assert ids(session, scope=Scope(status="planned", type="bug")) == []


@pytest.mark.parametrize(("text", "found"), [("SEARCH", 1), ("100%", 1), ("%", 1), ("_", 0), ("\\", 0), ("", 2)])
def test_text_is_looked_for_as_it_is_written(session: Session, text: str, found: int) -> None:
    make_theme(session, name="Slow search")
    make_theme(session, name="100% wrong")
    assert len(ids(session, text=text)) == found


@pytest.mark.parametrize("sort", SORTS)
def test_every_theme_comes_once_however_many_share_a_place(session: Session, sort: str) -> None:
    for number in range(9):
        paying = {"revenue": Decimal(number % 2), "currency": "EUR"} if number % 3 else {}
        theme(session, number % 2 + 1, paying=paying, first_seen_at=NOON if number % 2 else None)
    whole = rank_themes(session, scope=Scope(), sort=sort)
    seen, after = [], None
    while page := rank_themes(session, scope=Scope(), sort=sort, after=after, limit=2).rows:
        seen += [line.id for line in page]
        after = page[-1].key
    assert seen == [line.id for line in whole.rows]
    assert whole.total == len(set(seen)) == 9


@pytest.mark.parametrize("key", ["1", "1_2_3", "a_b_c_d", "1_2_3_4_5", "1e9_1_1_1", "' OR 1=1", "_" * 3])
def test_a_key_that_no_page_gave_out_is_refused(session: Session, key: str) -> None:
    with pytest.raises(InvalidArguments, match="after"):
        rank_themes(session, scope=Scope(), after=key)
