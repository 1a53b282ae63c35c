"""What pages read about tickets and customers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.issues.scope import Scope
from miner.models import Customer, TicketComment
from miner.tickets import queries
from tests.factories import NOON, make_analysis, make_issue, make_theme, make_ticket


def read(session: Session, ticket_id: int) -> None:
    session.execute(
        text("UPDATE tickets SET analyzed_at = now(), analyzed_text_hash = text_hash WHERE id = :id"), {"id": ticket_id}
    )


def test_counts_tell_what_is_there_what_waits_and_what_is_a_sample(session: Session) -> None:
    read(session, make_ticket(session).id)
    make_ticket(session, analyzed_at=NOON, analyzed_text_hash="older")
    make_ticket(session, source="sample")
    make_ticket(session, deleted_at=NOON)
    counts = queries.count_tickets(session)
    assert (counts.total, counts.pending, counts.sample, counts.exact) == (3, 2, 1, True)
    assert counts.analyzed_share == pytest.approx(1 / 3)


def test_without_tickets_the_share_that_was_read_is_unknown(session: Session) -> None:
    assert queries.count_tickets(session).analyzed_share is None


def test_a_large_table_is_estimated_and_says_so(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        make_ticket(session)
    session.commit()
    session.execute(text("ANALYZE tickets"))
    monkeypatch.setattr(queries, "COUNTED_EXACTLY", 3)
    counts = queries.count_tickets(session)
    assert (counts.total, counts.exact) == (5, False)


def test_tickets_written_in_the_same_moment_are_each_listed_once(session: Session) -> None:
    made = [make_ticket(session, created_at=NOON).id for _ in range(7)]
    seen: list[int] = []
    after: tuple[dt.datetime, int] | None = None
    while lines := queries.list_tickets(session, after=after, limit=3):
        seen += [line.id for line in lines]
        after = (lines[-1].created_at, lines[-1].id)
    assert seen == sorted(made, reverse=True)


def test_a_line_counts_live_issues_and_names_the_customer(session: Session) -> None:
    customer = Customer(source="file:test", kind="domain", external_key="example.com")
    session.add(customer)
    session.flush()
    ticket = make_ticket(session, customer_id=customer.id)
    make_issue(session, ticket)
    make_issue(session, ticket, retired_at=NOON, retired_reason="gone")
    (line,) = queries.list_tickets(session)
    assert (line.issues, line.customer, line.pending) == (1, "example.com", True)


def test_the_two_states_part_the_tickets(session: Session) -> None:
    done, changed = make_ticket(session), make_ticket(session, analyzed_at=NOON, analyzed_text_hash="older")
    read(session, done.id)
    assert [line.id for line in queries.list_tickets(session, state="analyzed")] == [done.id]
    assert [line.id for line in queries.list_tickets(session, state="pending")] == [changed.id]


def test_a_ticket_that_is_not_there_or_was_deleted_is_not_found(session: Session) -> None:
    gone = make_ticket(session, deleted_at=NOON)
    for ticket_id in (gone.id, 10**12):
        with pytest.raises(NotFound, match=f"no ticket {ticket_id}"):
            queries.get_ticket(session, ticket_id)


def test_a_conversation_is_in_order_and_readings_are_latest_first(session: Session) -> None:
    ticket = make_ticket(session)
    session.add(
        TicketComment(ticket_id=ticket.id, position=2, author_kind="agent", public=True, body="c", created_at=NOON)
    )
    session.add(
        TicketComment(ticket_id=ticket.id, position=1, author_kind="agent", public=True, body="b", created_at=NOON)
    )
    first, second = make_analysis(session, ticket), make_analysis(session, ticket)
    assert [comment.position for comment in queries.list_comments(session, ticket.id)] == [0, 1, 2]
    assert [analysis.id for analysis in queries.list_analyses(session, ticket.id)] == [second.id, first.id]


def test_a_customer_is_found_and_whether_there_are_any_is_told(session: Session) -> None:
    assert not queries.has_customers(session)
    customer = Customer(source="file:test", kind="organization", external_key="8", name="Example")
    session.add(customer)
    session.flush()
    assert queries.has_customers(session)
    found = queries.find_customer(session, customer.id)
    assert found is not None
    assert found.name == "Example"
    assert queries.find_customer(session, None) is None


def ids(session: Session, **asked: Any) -> list[int]:
    found = [line.id for line in queries.list_tickets(session, **asked)]
    assert queries.count_listed(session, **asked).total == len(found)
    return found


def test_tickets_are_searched_in_all_that_was_written(session: Session) -> None:
    one = make_ticket(session, text="Trouble\n\nThe export to CSV crashes.")
    make_ticket(session, text="Trouble\n\nThe import of a CSV file crashes.")
    make_ticket(session, text="Trouble\n\nexport csv", deleted_at=NOON)
    assert ids(session, scope=Scope(text="csv export")) == [one.id]
    assert ids(session, scope=Scope(text='"export to csv" -import')) == [one.id]
    assert ids(session, scope=Scope(text="nothing")) == []


def test_without_issues_in_the_scope_its_time_is_when_the_ticket_was_written(session: Session) -> None:
    day = dt.timedelta(days=1)
    early, late = make_ticket(session, created_at=NOON - day), make_ticket(session, created_at=NOON)
    make_issue(session, early, occurred_at=NOON + day)
    assert ids(session, scope=Scope(starts=NOON)) == [late.id]
    assert ids(session, scope=Scope(ends=NOON)) == [early.id]
    assert ids(session, scope=Scope(starts=NOON), state="reports") == [early.id]
    assert ids(session, scope=Scope(starts=NOON, type="bug")) == [early.id]


def test_what_is_said_of_issues_asks_for_a_ticket_with_such_a_report(session: Session) -> None:
    theme = make_theme(session, status="planned", owner="kim")
    customer = Customer(source="file:test", kind="organization", external_key="8", plan="Pro")
    session.add(customer)
    session.flush()
    one = make_ticket(session, customer_id=customer.id, status="open", raw={"brand_id": 3})
    make_issue(session, one, theme_id=theme.id)
    make_issue(session, one, theme_id=theme.id, type="performance")
    closed = make_ticket(session, status="closed")
    make_issue(session, closed, theme_id=theme.id)
    unverified = make_ticket(session)
    make_issue(session, unverified, theme_id=theme.id, quote_verified=False)
    empty = make_ticket(session)
    assert ids(session, scope=Scope(theme=theme.id)) == [closed.id, one.id]
    assert ids(session, scope=Scope(theme=theme.id, open=True)) == [one.id]
    assert ids(session, scope=Scope(owner="kim", status="planned", plan="Pro")) == [one.id]
    assert ids(session, scope=Scope(plan="unknown", open=True)) == [empty.id, unverified.id]
    assert ids(session, scope=Scope(brand="3", customer=customer.id)) == [one.id]
    assert ids(session, state="reports") == [closed.id, one.id]
