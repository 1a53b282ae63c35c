"""What pages read about weeks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from miner.models import Customer, Theme, ThemeDay
from miner.trends import queries
from tests.factories import make_issue, make_theme, make_ticket

MONDAY = dt.date(2026, 11, 16)
STARTS = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
ENDS = STARTS + dt.timedelta(days=7)


def theme(session: Session, now: int = 0, before: int = 0, **columns: Any) -> Theme:
    """A theme with reports on the week's Wednesday and on the last Sunday of the week before."""
    if columns.get("flag"):
        columns.setdefault("flagged_at", STARTS)
    made = make_theme(session, **columns)
    for count, day in ((now, 2), (before, -1)):
        if count:
            session.add(ThemeDay(theme_id=made.id, day=MONDAY + dt.timedelta(days=day), reports=count))
    session.flush()
    return made


def week(session: Session, *, present: bool = True, most: int = 5) -> dict[str, list[int]]:
    found = queries.list_week(session, MONDAY, starts=STARTS, ends=ENDS, present=present, most=most)
    return {section: [line.id for line in lines] for section, lines in found.items()}


def test_in_the_present_week_the_mark_decides_the_section(session: Session) -> None:
    long_ago = STARTS - dt.timedelta(days=90)
    new = theme(session, 1, flag="new", flagged_at=long_ago)
    worse = [
        theme(session, 9 - n, flag=flag, flagged_at=long_ago) for n, flag in enumerate(["rising", "spike", "came_back"])
    ]
    big = theme(session, 5, 3)
    fading = theme(session, 1, flag="fading", flagged_at=long_ago)
    just_faded = theme(session, flag="faded")
    theme(session, flag="faded", flagged_at=long_ago)
    theme(session, 9, retired_at=STARTS)
    theme(session)
    assert week(session) == {
        "new": [new.id],
        "worse": [one.id for one in worse],
        "biggest": [big.id],
        "fading": [fading.id, just_faded.id],
    }


def test_in_a_closed_week_only_marks_that_were_raised_in_it_count(session: Session) -> None:
    before, after = STARTS - dt.timedelta(days=30), ENDS + dt.timedelta(days=1)
    new = theme(session, 2, first_seen_at=STARTS, flag="rising", flagged_at=after)
    old = theme(session, 3, first_seen_at=before, flag="new", flagged_at=before)
    worse = theme(session, 4, flag="rising")
    later = theme(session, 5, flag="rising", flagged_at=after)
    fading = theme(session, 1, flag="fading")
    assert week(session, present=False) == {
        "new": [new.id],
        "worse": [worse.id],
        "biggest": [later.id, old.id],
        "fading": [fading.id],
    }


def test_the_present_week_orders_by_both_weeks_and_a_closed_one_by_its_own(session: Session) -> None:
    steady, sudden = theme(session, 1, 9), theme(session, 3, 0)
    assert week(session)["biggest"] == [steady.id, sudden.id]
    assert week(session, present=False)["biggest"] == [sudden.id, steady.id]


def test_a_section_ends_after_its_most(session: Session) -> None:
    for count in range(1, 8):
        theme(session, count)
    assert len(week(session, most=3)["biggest"]) == 3


def test_days_outside_the_two_weeks_do_not_count(session: Session) -> None:
    made = theme(session, 2, 3)
    for day in (-8, 7):
        session.add(ThemeDay(theme_id=made.id, day=MONDAY + dt.timedelta(days=day), reports=50))
    session.flush()
    (line,) = queries.list_week(session, MONDAY, starts=STARTS, ends=ENDS, present=True)["biggest"]
    assert (line.now, line.before) == (2, 3)


def test_the_quote_is_the_latest_verified_one_up_to_the_week(session: Session) -> None:
    made = theme(session, 1)
    ticket = make_ticket(session)
    make_issue(session, ticket, theme_id=made.id, occurred_at=STARTS)
    wanted = make_issue(session, ticket, theme_id=made.id, occurred_at=STARTS + dt.timedelta(days=1))
    make_issue(session, ticket, theme_id=made.id, occurred_at=ENDS)
    make_issue(
        session,
        ticket,
        theme_id=made.id,
        occurred_at=STARTS + dt.timedelta(days=2),
        quote_start=None,
        quote_end=None,
        quote_verified=False,
    )
    make_issue(
        session,
        ticket,
        theme_id=made.id,
        occurred_at=STARTS + dt.timedelta(days=2),
        retired_at=STARTS,
        retired_reason="gone",
    )
    (line,) = queries.list_week(session, MONDAY, starts=STARTS, ends=ENDS, present=True)["biggest"]
    assert (line.issue_id, line.ticket_id, line.quote) == (wanted.id, ticket.id, wanted.quote)


def test_totals_count_issues_also_outside_of_themes(session: Session) -> None:
    theme(session, 2)
    ticket = make_ticket(session)
    second = dt.timedelta(seconds=1)
    for when in (
        STARTS,
        ENDS - second,
        ENDS,
        STARTS - second,
        STARTS - dt.timedelta(days=7),
        STARTS - dt.timedelta(days=8),
    ):
        make_issue(session, ticket, occurred_at=when)
    totals = queries.count_week(session, MONDAY, starts=STARTS, ends=ENDS)
    assert (totals.now, totals.before, totals.themes) == (2, 2, 1)


def test_what_has_no_verified_quote_is_in_no_total(session: Session) -> None:
    made = theme(session, 1)
    customer = Customer(source="file:test", kind="requester", external_key="7")
    session.add(customer)
    session.flush()
    ticket = make_ticket(session, customer_id=customer.id)
    for when in (STARTS, STARTS - dt.timedelta(days=1)):
        make_issue(
            session, ticket, theme_id=made.id, occurred_at=when, quote_start=None, quote_end=None, quote_verified=False
        )
    totals = queries.count_week(session, MONDAY, starts=STARTS, ends=ENDS)
    assert (totals.now, totals.before) == (0, 0)
    assert queries.count_customers(session, [made.id], starts=STARTS, ends=ENDS) == {}


def test_a_customer_counts_once_however_often_it_writes(session: Session) -> None:
    made = theme(session, 3)
    customer = Customer(source="file:test", kind="requester", external_key="7")
    session.add(customer)
    session.flush()
    for customer_id in (customer.id, customer.id, None):
        make_issue(session, make_ticket(session, customer_id=customer_id), theme_id=made.id, occurred_at=STARTS)
    assert queries.count_customers(session, [made.id], starts=STARTS, ends=ENDS) == {made.id: 1}
    assert queries.count_customers(session, [made.id], starts=ENDS, ends=ENDS + dt.timedelta(days=7)) == {}


def test_weeks_without_a_report_are_zero(session: Session) -> None:
    made, silent = theme(session, 2, 5), theme(session)
    first = MONDAY - dt.timedelta(weeks=2)
    counts = queries.count_by_week(session, [made.id, silent.id], first_monday=first, weeks=3)
    assert counts == {made.id: [0, 5, 2], silent.id: [0, 0, 0]}
    assert queries.count_by_week(session, [], first_monday=first, weeks=3) == {}


def test_the_last_day_is_the_latest_of_any_theme(session: Session) -> None:
    assert queries.find_last_day(session) is None
    theme(session, 1, 1)
    assert queries.find_last_day(session) == MONDAY + dt.timedelta(days=2)
