"""The week as one thing: what a row says, and that nothing of it is guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from miner.models import ClosedWeek, Customer, Theme, ThemeLink
from miner.trends.digest import Digest, Line, count_totals, read_digest
from miner.trends.quotes import find_quoted, list_quotes
from miner.trends.records import refresh_days
from miner.weeks import Days, Week
from tests.factories import make_issue, make_theme, make_ticket

UTC = ZoneInfo("UTC")
WEEK = Week(dt.date(2026, 11, 16), UTC)
STARTS, ENDS = WEEK.starts, WEEK.ends
DAY = dt.timedelta(days=1)


@pytest.fixture
def customers(session: Session) -> list[Customer]:
    """Three that are known: Pro with 1,200 USD, Pro with 800 USD, and one of whom nothing is known."""
    made = [
        Customer(
            source="file:test", kind="domain", external_key="a", plan="Pro", revenue=Decimal(1200), currency="USD"
        ),
        Customer(source="file:test", kind="domain", external_key="b", plan="Pro", revenue=Decimal(800), currency="USD"),
        Customer(source="file:test", kind="domain", external_key="c"),
    ]
    session.add_all(made)
    session.flush()
    return made


def report(session: Session, theme: Theme | None, *whose: Customer | None, when: dt.datetime = STARTS) -> None:
    """One report of each customer (None: nobody knows whose)."""
    for one in whose:
        ticket = make_ticket(session, created_at=when, customer_id=one.id if one else None)
        make_issue(session, ticket, theme_id=theme.id if theme else None)


def digest(session: Session, *, present: bool = False, **options: Any) -> Digest:
    refresh_days(session, zone="UTC")
    return read_digest(session, now=WEEK.days, before=WEEK.days.before(), present=present, **options)


def only_line(found: Digest) -> Line:
    ((line,),) = (section.lines for section in found.sections)
    return line


def test_a_row_tells_customers_plans_revenue_and_what_is_unknown(session: Session, customers: list[Customer]) -> None:
    theme = make_theme(session, owner="ann", status="planned")
    session.add(ThemeLink(theme_id=theme.id, url="https://tracker.example/1", title="APP-1", created_by="ann"))
    report(session, theme, *customers, customers[0], None)
    report(session, theme, customers[0], when=STARTS - DAY)
    line = only_line(digest(session))
    assert (line.reports, line.reports_before, line.customers, line.customers_before) == (5, 1, 3, 1)
    assert (line.without_customer, line.affected.without_customer) == (1, 1)
    assert line.affected.plans == (("Pro", 2), (None, 1))
    assert (line.affected.revenue, line.affected.currency, line.affected.revenue_unknown) == (Decimal(2000), "USD", 1)
    assert line.affected.open_tickets == 5
    assert (line.status, line.owner, line.links) == ("planned", "ann", (("https://tracker.example/1", "APP-1"),))
    assert line.spark == (*[0] * 11, 1, 5)


def test_while_the_days_go_on_who_is_affected_counts_those_before_too(
    session: Session, customers: list[Customer]
) -> None:
    theme = make_theme(session)
    report(session, theme, customers[0])
    report(session, theme, customers[1], when=STARTS - DAY)
    found = digest(session, present=True)
    assert found.affected == Days(dt.date(2026, 11, 9), dt.date(2026, 11, 22), UTC)
    assert (only_line(found).customers, only_line(found).affected.customers) == (1, 2)
    assert digest(session).affected == WEEK.days
    assert only_line(digest(session)).affected.customers == 1


def test_the_biggest_has_the_most_customers_then_the_most_reports(session: Session, customers: list[Customer]) -> None:
    loud, wide, wider = (make_theme(session) for _ in range(3))
    report(session, loud, *[customers[0]] * 5)
    report(session, wide, customers[0], customers[1])
    report(session, wider, customers[0], customers[1], customers[1])
    found = digest(session)
    assert [line.theme_id for line in found.sections[0].lines] == [wider.id, wide.id, loud.id]
    assert found.top == (wider.id, wide.id, loud.id)


def test_it_says_in_how_many_weeks_a_theme_was_among_the_five_biggest(session: Session) -> None:
    theme = make_theme(session)
    report(session, theme, None)
    for weeks, top in ((1, [theme.id]), (2, []), (3, [theme.id]), (-1, [theme.id])):
        keep(session, WEEK.shift(-weeks), top)
    assert only_line(digest(session)).weeks_in_top == 3
    four = Days(WEEK.shift(-3).monday, WEEK.sunday, UTC)
    found = read_digest(session, now=four, before=four.before(), present=False)
    assert only_line(found).weeks_in_top == 2


def keep(session: Session, week: Week, top: list[int]) -> None:
    session.add(ClosedWeek(monday=week.monday, zone="UTC", content={}, top=top, later=False, settings_version=1))
    session.flush()


def test_a_section_shows_five_and_says_how_many_there_are(session: Session) -> None:
    for count in range(1, 8):
        theme = make_theme(session)
        report(session, theme, *[None] * count)
    (section,) = digest(session).sections
    assert (section.name, section.total) == ("biggest", 7)
    assert [line.reports for line in section.lines] == [7, 6, 5, 4, 3]


def test_a_theme_that_was_fixed_says_when(session: Session) -> None:
    theme = make_theme(session, status="fixed", fixed_at=STARTS + DAY)
    report(session, theme, None, when=STARTS - DAY)
    (section,) = digest(session).sections
    assert (section.name, section.lines[0].sentence) == ("fading", "Marked as fixed on 17 Nov 2026")


def test_a_theme_that_was_new_before_anything_was_judged_says_so(session: Session) -> None:
    old, new = make_theme(session), make_theme(session, first_seen_at=STARTS)
    report(session, old, None, when=STARTS - 30 * DAY)
    report(session, new, None, None, None)
    line = only_line(digest(session))
    assert line.sentence == "First reported on 16 Nov 2026; nothing was judged then"


def test_totals_count_verified_reports_also_outside_of_themes(session: Session) -> None:
    theme, second = make_theme(session), dt.timedelta(seconds=1)
    report(session, theme, None, None)
    for when in (ENDS - second, ENDS, STARTS - second, STARTS - 7 * DAY, STARTS - 8 * DAY):
        report(session, None, None, when=when)
    make_issue(session, make_ticket(session, created_at=STARTS), quote_verified=False)
    make_issue(session, make_ticket(session, created_at=STARTS), retired_at=STARTS, retired_reason="gone")
    totals = count_totals(session, now=WEEK.days, before=WEEK.days.before())
    assert (totals.reports, totals.before, totals.themes) == (3, 2, 1)


def test_the_quote_is_the_latest_verified_one_up_to_the_end_of_the_days(session: Session) -> None:
    theme = make_theme(session)

    def issue(when: dt.datetime, **columns: Any) -> int:
        ticket = make_ticket(session, created_at=when)
        return make_issue(session, ticket, theme_id=theme.id, **columns).id

    issue(STARTS)
    wanted = issue(STARTS + DAY)
    issue(ENDS)
    issue(STARTS + 2 * DAY, quote_verified=False)
    issue(STARTS + 2 * DAY, retired_at=STARTS, retired_reason="gone")
    assert find_quoted(session, [theme.id], until=ENDS) == {theme.id: wanted}
    assert find_quoted(session, [make_theme(session).id], until=ENDS) == {}


def test_words_of_a_ticket_that_left_are_not_shown(session: Session) -> None:
    stays, left, retired = make_issue(session), make_issue(session), make_issue(session)
    retired.retired_at, retired.retired_reason = STARTS, "no longer found"
    ticket = make_ticket(session, deleted_at=STARTS, gone_reason="deleted")
    left.ticket_id = ticket.id
    session.flush()
    found = list_quotes(session, [stays.id, left.id, retired.id, None])
    assert {issue: quote.text for issue, quote in found.items()} == {stays.id: stays.quote}
