"""What pages say about money: a run against its limits and by theme, a theme's tickets, and the prices' date."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from dashboard import render
from miner.models import Issue, JobRun, ModelCall, Theme
from tests.factories import make_analysis, make_issue, make_run, make_theme, make_ticket
from tests.support.reading import configure

NOW = dt.datetime.now(dt.UTC)


def spend(session: Session, cost: Decimal | None, *, wasted: Decimal | None = None) -> tuple[JobRun, Theme]:
    """A finished run that read one ticket for `cost`, with an issue in a theme; `wasted` went into a useless answer."""
    counters: dict[str, Any] = {"tickets": 1, "input_tokens": 10} | ({"cost_usd": float(cost)} if cost else {})
    run = make_run(
        session, state="completed", created_at=NOW, started_at=NOW, finished_at=NOW, attempt=1, counters=counters
    )
    theme, ticket = make_theme(session, issue_count=1), make_ticket(session)
    analysis = make_analysis(session, ticket, run_id=run.id, analyzer="claude", input_tokens=10, cost_usd=cost)
    make_issue(session, ticket, analysis_id=analysis.id, theme_id=theme.id, analyzer="claude")
    for amount, outcome in [(cost, "ok"), *([(wasted, "unusable")] if wasted else [])]:
        row: dict[str, Any] = {"run_id": run.id, "model": "m", "prompt_version": "1", "tickets": 1}
        session.add(ModelCall(**row, outcome=outcome, cost_usd=amount))
    session.commit()
    return run, theme


def test_a_run_shows_its_cost_against_the_limits_and_where_it_went(client: TestClient, session: Session) -> None:
    configure(session, run_budget_usd=2, month_budget_usd=50)
    run, theme = spend(session, Decimal("0.25"), wasted=Decimal("0.05"))
    page = client.get(f"/runs/{run.id}").text
    assert "$0.30 of $2.00" in page
    assert "$0.30 of $50.00" in page
    assert "of 23 Nov 2026" in page
    row = page[page.index(f'<a href="/themes/{theme.id}">') :]
    assert "$0.25" in row[:300]
    assert "Answers that were of no use or were overtaken" in page
    assert "$0.050" in page


def test_a_run_that_asked_no_model_shows_no_cost(client: TestClient, session: Session) -> None:
    run = make_run(session, counters={"tickets": 3})
    session.commit()
    assert 'id="cost"' not in client.get(f"/runs/{run.id}").text


def test_a_theme_shows_what_reading_its_tickets_cost(client: TestClient, session: Session) -> None:
    _, theme = spend(session, Decimal("0.0031"))
    page = client.get(f"/themes/{theme.id}").text
    assert "Reading it cost" in page
    assert "$0.0031" in page
    assert "for 1 ticket" in page
    other = make_theme(session)
    make_issue(session, theme_id=other.id)
    session.commit()
    assert "Reading it cost" not in client.get(f"/themes/{other.id}").text


def test_what_a_model_without_a_price_cost_is_unknown_on_every_page(client: TestClient, session: Session) -> None:
    run, theme = spend(session, None)
    for path in (f"/runs/{run.id}", f"/themes/{theme.id}"):
        page = client.get(path).text
        assert "unknown" in page
        assert "$0" not in page, path
    assert "What 1 call cost is unknown" in client.get(f"/runs/{run.id}").text


def test_the_machine_room_says_of_when_the_prices_are(client: TestClient) -> None:
    assert "Prices of Claude" in (page := client.get("/system").text)
    assert "of 23 Nov 2026" in page


@pytest.mark.parametrize(
    ("amount", "unpriced", "of", "shown"),
    [
        ("0", 0, None, "$0.00"),
        ("0", 2, None, "unknown"),
        ("1.5", 2, 2, "unknown"),
        ("1.5", 1, 2, "at least $1.50"),
        ("1234.5", 0, None, "$1,234.50"),
        ("0.0031", 0, None, "$0.0031"),
        ("0.0000004", 0, None, "$0.00000040"),
        (None, 0, None, "unknown"),
    ],
)
def test_dollars_read_as_people_write_them(amount: str | None, unpriced: int, of: int | None, shown: str) -> None:
    assert render.dollars(None if amount is None else Decimal(amount), unpriced, of) == shown


def test_what_the_local_analyzer_found_is_labelled_wherever_it_is_shown(client: TestClient, session: Session) -> None:
    theme, ticket = make_theme(session, issue_count=1), make_ticket(session)
    make_issue(session, ticket, theme_id=theme.id, analyzer="local")
    session.commit()
    places = ("/issues", f"/tickets/{ticket.id}", f"/themes/{theme.id}")
    for path in places:
        assert client.get(path).text.count("found by the local analyzer") == 1, path
    session.execute(update(Issue).values(analyzer="claude"))
    session.commit()
    for path in places:
        assert "found by the local analyzer" not in client.get(path).text
