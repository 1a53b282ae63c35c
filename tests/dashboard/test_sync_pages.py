"""What pages show of a sync: how it does, how its login ends, and a ticket in its account's words."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.tickets.sync_health import list_health
from miner.tickets.title_rows import store_titles
from miner.tickets.titles import FIELD, STATUS, Title
from tests.factories import make_ticket

NOW = dt.datetime.now(dt.UTC)


def test_the_system_page_says_how_the_sync_does(client: TestClient, session: Session) -> None:
    session.execute(
        text("INSERT INTO zendesk_accounts (source, state, decided_by) VALUES ('zendesk:acme', 'synced', 'run 1')")
    )
    session.commit()
    assert "<dt>Behind Zendesk</dt><dd>unknown</dd>" in client.get("/system").text
    for statement in (
        """INSERT INTO sync_cursors (source, lane, complete_through)
           VALUES ('zendesk:acme', 'live', now() - interval '3 hours')""",
        """INSERT INTO due_conversations (source, ticket_number, version, priority, queued_at)
           SELECT 'zendesk:acme', number, 1, 0, now() - interval '2 days' FROM generate_series(1, 1234) AS number""",
        """INSERT INTO rate_budgets (source, name, per_minute, refusals, minute_at, minute_calls)
           VALUES ('zendesk:acme', 'export', 10, 3, date_trunc('minute', now()) - interval '1 minute', 9),
                  ('zendesk:acme', 'account', 700, 3, date_trunc('minute', now()) - interval '2 minutes', 500)""",
    ):
        session.execute(text(statement))
    health = list_health(session)[0]
    assert (health.exports, health.calls) == (9, 0), "the last whole minute alone"
    session.commit()
    page = client.get("/system").text
    assert "1,234, the oldest" in page
    assert "<dt>Behind Zendesk</dt><dd>3 h" in page
    assert "<dt>Refusals (429) so far</dt><dd>3</dd>" in page
    assert "of 700" in page


def test_the_system_page_counts_the_days_of_a_login_that_ends(client: TestClient) -> None:
    assert "30 April 2027" not in client.get("/system").text
    state = client.app.app.state  # type: ignore[attr-defined]
    state.config = replace(state.config, zendesk_email="ann@acme.invalid", zendesk_api_token="key")
    page = client.get("/system").text
    days = (dt.date(2027, 4, 30) - NOW.date()).days
    assert f"In {days:,} day" in page or "no longer works" in page
    assert "ZENDESK_OAUTH_CLIENT_ID" in page


def test_a_ticket_shows_its_fields_in_the_accounts_words(client: TestClient, session: Session) -> None:
    store_titles(session, "zendesk:acme", FIELD, [Title(FIELD, 11001, "<b>Area", "tagger", {"x": "Plans & <i>"})])
    store_titles(session, "zendesk:acme", STATUS, [Title(STATUS, 9, "In progress", "open")])
    raw = {"custom_status_id": 9, "custom_fields": [{"id": 11001, "value": "x"}, {"id": 404, "value": "untitled"}]}
    ticket = make_ticket(session, source="zendesk:acme", raw=raw)
    elsewhere = make_ticket(session, source="zendesk:other", raw=raw)
    session.commit()
    page = client.get(f"/tickets/{ticket.id}").text
    assert "&lt;b&gt;Area</dt>" in page
    assert "Plans &amp; &lt;i&gt;</dd>" in page
    assert "open (In progress)" in page
    assert "untitled" not in page
    assert "Area" not in client.get(f"/tickets/{elsewhere.id}").text
