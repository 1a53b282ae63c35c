"""What the text for a tracker says of a theme on a real database."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from miner.models import Customer, Issue, Theme
from miner.themes.tracked import describe_theme, recent_days
from miner.themes.tracker import Item
from tests.factories import NOON, make_issue, make_theme, make_ticket

BERLIN = ZoneInfo("Europe/Berlin")
NOW = NOON + dt.timedelta(days=5)
DAY = dt.timedelta(days=1)


def make_customer(session: Session, name: str, **columns: Any) -> Customer:
    customer = Customer(source="file:x", kind="organization", external_key=name, name=name, **columns)
    session.add(customer)
    session.flush()
    return customer


def report(session: Session, theme: Theme, customer: Customer | None, days: int = 1, **columns: Any) -> Issue:
    ticket_columns = {
        name: columns.pop(name) for name in ("zendesk_ticket_id", "url", "status", "text") if name in columns
    }
    source = {"source": "zendesk:acme"} if "zendesk_ticket_id" in ticket_columns else {}
    when = NOW - days * DAY
    owner = customer.id if customer else None
    ticket = make_ticket(session, created_at=when, customer_id=owner, **ticket_columns, **source)
    return make_issue(session, ticket, theme_id=theme.id, **columns)


def describe(session: Session, theme: Theme, public_url: str | None = "https://issues.example.com/") -> Item:
    return describe_theme(session, theme, moment=NOW, zone=BERLIN, public_url=public_url)


def test_a_window_is_of_whole_days_in_the_workspaces_zone() -> None:
    found = recent_days(dt.datetime(2026, 11, 24, 23, 30, tzinfo=dt.UTC), BERLIN)
    assert (found.first, found.last) == (dt.date(2026, 10, 29), dt.date(2026, 11, 25))
    assert (found.earlier_first, found.earlier_last) == (dt.date(2026, 10, 1), dt.date(2026, 10, 28))
    assert found.now.ends == dt.datetime(2026, 11, 26, tzinfo=BERLIN)
    assert found.now.starts == found.before.ends


def test_quotes_are_of_different_customers_with_a_link_to_each_ticket(session: Session) -> None:
    theme = make_theme(session, first_seen_at=NOW - 40 * DAY)
    acme, bolt = make_customer(session, "Acme"), make_customer(session, "Bolt")
    zendesk = {"zendesk_ticket_id": 1041, "url": "https://acme.zendesk.com/agent/tickets/1041"}
    latest = report(session, theme, acme, 1, **zendesk)
    report(session, theme, acme, 2)
    other = report(session, theme, bolt, 3)
    report(session, theme, None, 4)
    report(session, theme, bolt, 5, quote_verified=False)
    item = describe(session, theme)
    assert [one.customer for one in item.quotes] == ["Acme", "Bolt", None]
    assert item.quotes[0].quote == latest.quote
    assert (item.quotes[0].ticket, item.quotes[0].url) == ("Zendesk ticket 1041", zendesk["url"])
    assert item.quotes[1].url == f"https://issues.example.com/tickets/{other.ticket_id}#issue-{other.id}"
    assert item.customers == ["Acme", "Bolt"]
    assert item.link == f"https://issues.example.com/themes/{theme.id}"
    nameless = describe(session, theme, public_url=None)
    assert (nameless.link, nameless.quotes[1].url) == (None, None)
    theme.portrait = {"by": "terms", "sentences": [], "points": [], "quotes": [other.id]}
    assert describe(session, theme).quotes[0].customer == "Bolt"


def test_numbers_say_their_window_and_what_is_unknown(session: Session) -> None:
    theme = make_theme(session, first_seen_at=NOW - 40 * DAY, trend_sentence="No clear change: 3 reports")
    acme = make_customer(session, "Acme", plan="Business", revenue=Decimal(12_000), currency="EUR")
    for customer, days in ((acme, 1), (acme, 2), (make_customer(session, "Bolt"), 3), (None, 4), (acme, 40)):
        report(session, theme, customer, days)
    item = describe(session, theme)
    assert item.affected == [
        "2 customers in these 28 days: 1 on Business, 1 with an unknown plan",
        "Yearly revenue of these: 12,000 EUR, unknown for 1 of them",
        "1 report of unknown customers",
        "4 tickets still open",
    ]
    assert item.numbers == [
        "4 reports from 2 customers in the 28 days to 21 Nov 2026; 1 report from 1 customer in the 28 days before",
        "First report on 12 Oct 2026",
        "No clear change: 3 reports",
    ]


def test_an_error_is_told_only_where_the_customer_wrote_it(session: Session) -> None:
    theme = make_theme(session)
    text = "Export\n\nIt says Error 5:  disk full when I press it."
    facts = {"error_text": "error 5: disk full", "workaround": "Use XLSX", "detail": "Press it", "problem": "It fails"}
    report(session, theme, None, 1, text=text, facts=facts)
    report(session, theme, None, 2, facts={"error_text": "Error 6: made up", "workaround": "Use XLSX"})
    item = describe(session, theme)
    assert (item.errors, item.workarounds, item.steps) == (["error 5: disk full"], ["Use XLSX"], ["Press it"])
    assert item.problem[0] == "It fails."
    assert len(item.problem) == 2


def test_a_theme_without_a_report_is_described_too(session: Session) -> None:
    item = describe(session, make_theme(session))
    assert (item.quotes, item.problem) == ([], [])
    assert item.affected == ["No known customer in these 28 days", "0 tickets still open"]
