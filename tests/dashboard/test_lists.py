"""Lists: every number leads to rows that have it as their total, whatever the filter."""

from __future__ import annotations

import datetime as dt
import html
import itertools
import re
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.models import Customer, Theme, ThemeDay
from miner.settings import Settings, save
from tests.factories import NOON, TESTER, make_issue, make_theme, make_ticket

DAY = dt.timedelta(days=1)
_keys = itertools.count()


def customer(session: Session, **columns: Any) -> Customer:
    made = Customer(source="zendesk:x", kind="organization", external_key=f"o{next(_keys)}", **columns)
    session.add(made)
    session.flush()
    return made


def fill(session: Session) -> list[Theme]:
    """Three themes over 20 days, customers of all kinds, unknown ones too, and some that must never count."""
    themes = [make_theme(session, name=name, status=status) for name, status in
              (("Export fails", "planned"), ("Slow search", "new"), ("Login loops", "new"))]  # fmt: skip
    people: list[Customer | None] = [
        customer(session, name="Ann Ltd", plan="Pro", segment="Retail", revenue=Decimal(900), currency="EUR"),
        customer(session, name="Ben Ltd", plan="Free", revenue=Decimal(10), currency="EUR"),
        customer(session, name="Cy Inc", plan="Pro", revenue=Decimal(10), currency="USD"),
        customer(session, name="Dee"),
        None,
    ]
    for number in range(30):
        who, when = people[number % 5], NOON - (number % 20) * DAY
        ticket = make_ticket(session, customer_id=who.id if who else None, created_at=when,
                             status=("open", "solved", "pending")[number % 3],
                             raw={"brand_id": number % 2})  # fmt: skip
        for theme in themes[: number % 3 + 1]:
            make_issue(session, ticket, theme_id=theme.id, type=("bug", "performance")[number % 2],
                       severity=("low", "high")[number % 2], area="Export" if number % 4 else None,
                       facts={"platform": "iOS"} if number % 3 else {}, quote_verified=number % 7 != 6)  # fmt: skip
    session.add_all(ThemeDay(theme_id=theme.id, day=NOON.date(), reports=3) for theme in themes)
    make_issue(session)
    make_issue(session, make_ticket(session), theme_id=themes[0].id, retired_at=NOON, retired_reason="gone")
    session.commit()
    return themes


FILTERS = [
    "",
    "from=2026-11-10&to=2026-11-16",
    "from=2026-11-10&to=2026-11-16&compare=year",
    "type=bug&severity=low",
    "area=unknown&plan=Pro",
    "plan=unknown",
    "segment=Retail&open=yes",
    "platform=ios&brand=1",
    "status=planned&from=2026-11-01",
    "to=2026-11-08&version=unknown",
    "owner=unknown&customer=unknown",
]
NUMBER = re.compile(r'<a href="(/(?:issues|customers|tickets)\?[^"]*)">([0-9,]+)(?: report[s]?)?</a>')
TOTAL = re.compile(r'data-total="([0-9]+)"')


@pytest.mark.parametrize("list_", ["themes", "customers", "issues"])
@pytest.mark.parametrize("asked", FILTERS)
def test_every_number_opens_a_list_with_that_total(
    client: TestClient, session: Session, list_: str, asked: str
) -> None:
    fill(session)
    page = client.get(f"/{list_}?{asked}")
    assert page.status_code == 200
    numbers = {(html.unescape(address), int(number.replace(",", ""))) for address, number in NUMBER.findall(page.text)}
    assert numbers or list_ == "issues" or "No " in page.text
    for address, number in numbers:
        opened = client.get(address)
        assert opened.status_code == 200, address
        assert TOTAL.findall(opened.text) == [str(number)], (asked, address)


@pytest.mark.parametrize("list_", ["themes", "customers", "issues", "tickets"])
@pytest.mark.parametrize("asked", ["", "type=bug", "plan=Pro&from=2026-11-01", "sort="])
def test_the_total_is_that_of_all_pages_and_of_the_api(
    client: TestClient, session: Session, list_: str, asked: str
) -> None:
    fill(session)
    found = client.get(f"/api/{list_}?{asked}" if asked != "sort=" else f"/api/{list_}").json()
    assert (found["total"], found["total_exact"], found["next"]) == (len(found["items"]), True, None)
    assert TOTAL.findall(client.get(f"/{list_}?{asked}").text) == [str(found["total"])]


def test_a_summary_counts_what_the_list_holds(client: TestClient, session: Session) -> None:
    fill(session)
    found = client.get("/api/issues/summary?type=bug&from=2026-11-01").json()
    listed = client.get("/api/issues?type=bug&from=2026-11-01").json()
    assert found["total"] == listed["total"] == sum(one["count"] for one in found["by_area"])
    assert found["by_type"] == [{"value": "bug", "count": found["total"]}]
    assert None in [one["value"] for one in found["by_area"]]


def test_days_are_those_of_the_workspace(client: TestClient, session: Session) -> None:
    make_issue(session, occurred_at=dt.datetime(2026, 11, 15, 23, 30, tzinfo=dt.UTC))
    session.commit()
    assert client.get("/api/issues?from=2026-11-16").json()["total"] == 0
    save(session, Settings(time_zone="Europe/Berlin"), by=TESTER, note="")
    session.commit()
    assert client.get("/api/issues?from=2026-11-16").json()["total"] == 1
    assert client.get("/api/issues?to=2026-11-15").json()["total"] == 0


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("from=2026-11-31", "from"),
        ("to=yesterday", "to"),
        ("from=2026-11-10&to=2026-11-09", "to"),
        ("from=0001-01-01", "from"),
        ("theme=x", "theme"),
        ("customer=0x1", "customer"),
        ("sort=size", "sort"),
        ("status=done", "status"),
        ("open=no", "open"),
        ("compare=weekly", "compare"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_by_name(client: TestClient, asked: str, field: str) -> None:
    answer = client.get(f"/api/themes?{asked}")
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [[field]]


def test_the_formula_of_an_order_is_stated_and_what_is_unknown_is_said(client: TestClient, session: Session) -> None:
    fill(session)
    page = client.get("/themes?sort=valuable&from=2026-11-01&to=2026-11-16").text
    assert "known yearly revenue of its customers" in page
    assert re.search(r"without\s+<a [^>]*>2</a> of 4", page)
    assert re.search(r"<a [^>]*>[0-9]+ reports?</a> of unknown", page)
    assert "2026-10-16 to 2026-10-31" in page


def test_where_nobody_says_who_wrote_reports_are_counted_and_the_page_says_so(
    client: TestClient, session: Session
) -> None:
    make_issue(session, theme_id=make_theme(session).id)
    session.commit()
    page = client.get("/themes").text
    assert "This source does not say who wrote" in page
    assert "reports, among equals the worst severity" in page
    assert "Yearly revenue" not in page


def test_what_is_not_verified_is_out_of_the_count_and_one_click_away(client: TestClient, session: Session) -> None:
    make_issue(session, summary="It is so")
    make_issue(session, summary="It is not so", quote_verified=False)
    session.commit()
    page = client.get("/issues").text
    assert "It is not so" not in page
    assert 'href="/issues?quotes=unverified">1</a>' in page
    page = client.get("/issues?quotes=unverified").text
    assert "It is not so" in page
    assert TOTAL.findall(page) == ["1"]
    assert "These do not count as reports" in page


def test_the_filter_stays_filled_in_and_names_what_it_is_about(client: TestClient, session: Session) -> None:
    theme = make_theme(session, name="Export <b>fails</b>")
    who = customer(session, name="Ann & Ltd")
    session.commit()
    page = client.get(f"/issues?theme={theme.id}&customer={who.id}&platform=iOS&from=2026-11-01&area=Old+area").text
    assert "Export &lt;b&gt;fails&lt;/b&gt;" in page
    assert "Ann &amp; Ltd" in page
    for shown in ('value="iOS"', 'value="2026-11-01"', "<option selected>Old area</option>", "<details open>"):
        assert shown in page
