"""What stands on the pages, and that every number and name leads somewhere."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from dashboard.render import day
from miner.help_center.records import record_state
from miner.models import (
    Customer,
    ScheduleTick,
    ThemeDay,
    ThemeEpisode,
    ThemeEvent,
    TicketComment,
    TrendLook,
    Worker,
)
from miner.settings import parse, save
from tests.factories import TESTER, make_analysis, make_issue, make_theme, make_ticket

NOW = dt.datetime.now(dt.UTC)


def theme_with_reports(session: Session, name: str, now: int, before: int = 0, **columns: Any) -> int:
    """A theme with `now` reports today and `before` seven days ago, each an issue in a ticket of its own."""
    if columns.get("flag"):
        columns.setdefault("flagged_at", NOW)
    theme = make_theme(session, name=name, issue_count=now + before, last_seen_at=NOW, **columns)
    for count, when in ((now, NOW), (before, NOW - dt.timedelta(days=7))):
        for _ in range(count):
            make_issue(session, make_ticket(session, created_at=when), theme_id=theme.id)
        if count:
            session.add(ThemeDay(theme_id=theme.id, day=when.date(), reports=count))
    session.flush()
    return theme.id


def order(page: str, *parts: str) -> list[str]:
    """`parts` in the order in which they stand on the page; all must be there."""
    assert [part for part in parts if part not in page] == []
    return sorted(parts, key=page.index)


def test_without_tickets_the_week_teaches_the_ways_in(client: TestClient) -> None:
    page = client.get("/").text
    assert order(page, "ZENDESK_SUBDOMAIN", "Load the sample", "miner import FILE")


def test_with_tickets_but_without_themes_the_week_offers_the_pipeline(client: TestClient, session: Session) -> None:
    make_ticket(session)
    session.commit()
    page = client.get("/").text
    assert "1 ticket" in page
    assert "Run pipeline" in page


def test_the_system_page_says_how_reading_the_help_center_went(client: TestClient, session: Session) -> None:
    record_state(session, "https://help.example.com/hc/en-us", fault="help.example.com answers <503>")
    session.commit()
    page = client.get("/system").text
    assert "https://help.example.com/hc/en-us" in page
    assert "help.example.com answers &lt;503&gt;" in page


def test_themes_are_listed_the_biggest_first_and_can_be_filtered(client: TestClient, session: Session) -> None:
    wrong = make_theme(session, name="Print 100% wrong", type="bug")
    slow = make_theme(session, name="Slow search", type="performance", flag="rising", flagged_at=NOW)
    make_theme(session, name="Gone", issue_count=0, retired_at=NOW)
    for theme, count in ((wrong, 2), (slow, 3)):
        for _ in range(count):
            make_issue(session, theme_id=theme.id, type=theme.type)
    session.commit()
    page = client.get("/themes").text
    assert order(page, "Slow search", "Print 100% wrong") == ["Slow search", "Print 100% wrong"]
    assert "Gone" not in page
    for query, there in (
        ("flag=rising", "Slow search"),
        ("type=bug", "Print 100% wrong"),
        ("text=100%25", "Print 100%"),
        ("text=SEARCH", "Slow search"),
    ):
        page = client.get(f"/themes?{query}").text
        assert ("Slow search" in page, "Print 100% wrong" in page) == (there == "Slow search", there != "Slow search")
    assert "Nothing matches this filter" in client.get("/themes?text=_").text


def test_a_long_list_goes_on_behind_its_last_row(client: TestClient, session: Session) -> None:
    for number in range(120):
        make_theme(session, name=f"Theme {number:03}", issue_count=number // 2)
    session.commit()
    seen: list[str] = []
    address = "/themes?type="
    while address:
        page = client.get(address).text
        names = [part.split("<")[0] for part in page.split('">Theme ')[1:]]
        seen += names
        _, found, rest = page.partition('<a href="/themes?after=')
        address = f"/themes?after={rest.split(chr(34))[0]}" if found else ""
        assert len(names) <= 50
    assert len(seen) == 120 == len(set(seen))
    assert seen[0] in ("118", "119")


def test_a_theme_shows_its_trend_its_quotes_and_the_numbers_behind_its_mark(
    client: TestClient, session: Session
) -> None:
    theme_id = theme_with_reports(
        session,
        "Slow search",
        2,
        1,
        flag="rising",
        trend_sentence="2 against 1",
        trend_numbers={"ratio": 2.5, "odd_key": 1},
        judged_at=NOW,
        terms=["search", "slow"],
    )
    other = make_theme(session, name="Search")
    session.add(ThemeEvent(theme_id=theme_id, kind="split", other_id=other.id))
    session.commit()
    page = client.get(f"/themes/{theme_id}").text
    assert order(
        page,
        "Slow search",
        "2 against 1.",
        "<svg",
        "The same as a table",
        "<dt>Reports a day, times those before</dt><dd>2.50</dd>",
        "<dt>odd key</dt>",
        "What customers wrote",
        "Split",
    )
    assert page.count("<blockquote") == 3
    issue = session.execute(text("SELECT id, ticket_id FROM issues ORDER BY id LIMIT 1")).one()
    assert f'href="/tickets/{issue.ticket_id}#issue-{issue.id}"' in page
    assert f'href="/themes/{other.id}">Search<' in page


def test_a_retired_theme_leads_to_its_last_heir(client: TestClient, session: Session) -> None:
    last = make_theme(session)
    middle = make_theme(session, retired_at=NOW, heir_id=last.id)
    first = make_theme(session, retired_at=NOW, heir_id=middle.id)
    alone = make_theme(session, retired_at=NOW)
    session.commit()
    answer = client.get(f"/themes/{first.id}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/themes/{last.id}")
    page = client.get(f"/themes/{alone.id}")
    assert page.status_code == 200
    assert "This theme was retired" in page.text


def test_a_line_of_heirs_that_runs_in_a_circle_is_not_followed_for_ever(client: TestClient, session: Session) -> None:
    one = make_theme(session, retired_at=NOW)
    two = make_theme(session, retired_at=NOW, heir_id=one.id)
    one.heir_id = two.id
    session.commit()
    assert client.get(f"/themes/{one.id}").status_code == 404


def test_issues_are_listed_with_quote_ticket_and_theme(client: TestClient, session: Session) -> None:
    theme = make_theme(session, name="Slow search")
    issue = make_issue(session, theme_id=theme.id, summary="Search takes a minute", severity="high", type="performance")
    make_issue(session, summary="Print is wrong")
    make_issue(session, summary="Was a mistake", retired_at=NOW, retired_reason="not found again")
    session.commit()
    page = client.get("/issues").text
    assert f'<a href="/tickets/{issue.ticket_id}#issue-{issue.id}">Search takes a minute</a>' in page
    assert f'<a href="/themes/{theme.id}">Slow search</a>' in page
    assert "not yet in a theme" in page
    assert "Was a mistake" not in page
    assert "Print is wrong" not in client.get("/issues?severity=high").text
    assert "Search takes a minute" not in client.get("/issues?type=bug").text


def test_tickets_say_whether_they_were_read_and_what_was_found(client: TestClient, session: Session) -> None:
    read = make_ticket(session, subject="Read one", created_at=NOW)
    make_issue(session, read)
    read.analyzed_at, read.analyzed_text_hash = NOW, read.text_hash
    changed = make_ticket(session, subject="Changed one")
    changed.analyzed_at, changed.analyzed_text_hash = NOW, "other"
    make_ticket(session, subject="New one")
    make_ticket(session, subject="Deleted one", deleted_at=NOW)
    session.commit()
    page = client.get("/tickets").text
    assert order(page, "Read one", "Changed one", "(changed since)", "New one", "not read")
    assert "Deleted one" not in page
    pending = client.get("/tickets?state=pending").text
    assert ("Read one" in pending, "Changed one" in pending, "New one" in pending) == (False, True, True)
    analyzed = client.get("/tickets?state=analyzed").text
    assert ("Read one" in analyzed, "New one" in analyzed) == (True, False)


def test_a_ticket_shows_its_conversation_with_each_quote_marked(client: TestClient, session: Session) -> None:
    ticket = make_ticket(session, text="Print\n\nIt prints nothing. Then it crashes!", original_created_at=NOW)
    first = make_issue(session, ticket, quote="It prints nothing.", quote_start=7, quote_end=25)
    second = make_issue(session, ticket, quote="Then it crashes!", quote_start=26, quote_end=42, type="bug")
    session.add(
        TicketComment(
            ticket_id=ticket.id, position=1, author_kind="agent", public=False, body="<known> since May", created_at=NOW
        )
    )
    session.commit()
    page = client.get(f"/tickets/{ticket.id}").text
    assert f'<span id="issue-{first.id}" class="anchor"></span><mark>It prints nothing.</mark> ' in page
    assert f'<span id="issue-{second.id}" class="anchor"></span><mark>Then it crashes!</mark>' in page
    assert "Private note, not analysed" in page
    assert "&lt;known&gt; since May" in page
    assert "Originally" in page


def test_a_quote_that_does_not_stand_in_the_text_is_not_marked_but_shown(client: TestClient, session: Session) -> None:
    ticket = make_ticket(session)
    make_issue(session, ticket, quote="never said", quote_start=None, quote_end=None, quote_verified=False)
    make_issue(session, ticket, quote="said before", text_hash="older", quote_start=0, quote_end=11)
    session.commit()
    page = client.get(f"/tickets/{ticket.id}").text
    assert "<mark>" not in page
    assert order(
        page, "said before", "never said", "Not found word for word", "Found in an earlier version of the text"
    )


def test_a_ticket_shows_what_it_says_of_each_issue_and_what_is_assumed(client: TestClient, session: Session) -> None:
    ticket = make_ticket(session, text="Clock <b>\n\nNobody can clock in. Write to ann@example.com")
    facts = {"problem": "Workers cannot clock in.", "root_cause_guess": "A <script> of ours", "article": "Clocking in",
             "article_url": "https://help.example.com/1"}  # fmt: skip
    make_issue(session, ticket, severity="critical", severity_phrase="Nobody can clock in",
               component="PIN", area="Clock", facts=facts, confidence=0.6)  # fmt: skip
    make_issue(session, ticket, facts={"article": "x", "article_url": "javascript:alert(1)"})
    session.commit()
    page = client.get(f"/tickets/{ticket.id}").text
    order(page, "Workers cannot clock in.", "Cause (a guess)", "A &lt;script&gt; of ours", "Should have answered",
          '<a href="https://help.example.com/1"', "medium <span", "assumed: no words show it")  # fmt: skip
    assert "Clock, PIN" in page
    assert "javascript:" not in page
    found = client.get(f"/api/tickets/{ticket.id}").json()["issues"]
    assert (found[0]["facts"], found[0]["severity_assumed"], found[0]["component"]) == (facts, False, "PIN")
    assert found[1]["severity_assumed"] is True


def test_pages_and_api_show_the_text_without_personal_data(client: TestClient, session: Session) -> None:
    ticket = make_ticket(session, text="[NAME]: export\n\nCall [PHONE]", subject="Ann: export")
    session.execute(text("UPDATE ticket_comments SET body = 'Call +33 6 12 34 56 78'"))
    make_issue(session, ticket, summary="Export fails")
    session.commit()
    for path in (f"/tickets/{ticket.id}", "/tickets", "/issues", f"/api/tickets/{ticket.id}", "/api/issues"):
        page = client.get(path).text
        assert "Ann" not in page, path
        assert "+33" not in page, path
    assert client.get(f"/api/tickets/{ticket.id}").json()["subject"] == "[NAME]: export"


def test_a_ticket_without_issues_says_why(client: TestClient, session: Session) -> None:
    ticket = make_ticket(session)
    make_analysis(session, ticket, outcome="no_issue", issue_count=0, reason="it says thank you")
    ticket.analyzed_at, ticket.analyzed_text_hash = NOW, ticket.text_hash
    unread = make_ticket(session, url="javascript:alert(1)")
    session.commit()
    assert "None: it says thank you." in client.get(f"/tickets/{ticket.id}").text
    page = client.get(f"/tickets/{unread.id}").text
    assert "This ticket has not been read yet." in page
    assert "javascript:" not in page


def test_a_deleted_ticket_is_gone(client: TestClient, session: Session) -> None:
    ticket = make_ticket(session, deleted_at=NOW)
    session.commit()
    assert client.get(f"/tickets/{ticket.id}").status_code == 404


def test_customers_are_listed_or_said_to_be_unknown(client: TestClient, session: Session) -> None:
    assert "No customers yet" in client.get("/customers").text
    ticket = make_ticket(session)
    session.commit()
    assert "None of the 1 ticket says who wrote it" in client.get("/customers").text
    customer = Customer(source="zendesk:x", kind="organization", external_key="42", name="Example & Sons")
    session.add(customer)
    session.flush()
    ticket.customer_id = customer.id
    session.commit()
    page = client.get("/customers").text
    assert order(page, "Example &amp; Sons", "organization", "zendesk:x", "unknown")
    assert "Example &amp; Sons" in client.get("/tickets").text


def test_schedules_tell_when_they_fire_and_why_they_did_not(client: TestClient, session: Session) -> None:
    fire = NOW.replace(minute=0, second=0, microsecond=0)
    session.add(
        ScheduleTick(schedule_id="hourly_trends", fire_at=fire, outcome="skipped_overlap", detail="Run 3 was active")
    )
    session.execute(
        text("UPDATE schedules SET paused_at = now(), paused_by = 'ann', pause_note = 'moving' WHERE id = 'daily_sync'")
    )
    session.commit()
    page = client.get("/schedules").text
    assert order(
        page, "Daily Zendesk Sync", "0 2 * * *", "Full pipeline", "by ann: moving", "Hourly Trends", "Run 3 was active"
    )
    assert "The schedule has never been looked at" in page


def test_the_system_page_tells_who_is_alive(client: TestClient, session: Session) -> None:
    from uuid import uuid4

    for host, columns in {
        "fine": {},
        "gone": {"heartbeat_at": NOW - dt.timedelta(minutes=5)},
        "ended": {"stopped_at": NOW},
    }.items():
        session.add(Worker(id=uuid4(), kind="worker", host=host, pid=1, version="0.1.0", threads=3, **columns))  # type: ignore[arg-type]
    make_ticket(session)
    session.commit()
    page = client.get("/system").text
    for host, state in (("fine", "Alive"), ("gone", "Lost"), ("ended", "Stopped")):
        assert state in page[page.index(f"{host} pid") :].split("</tr>")[0]
    assert session.execute(text("SELECT version_num FROM alembic_version")).scalar_one() in page
    assert "for each 1,000 tickets" in page


def test_the_week_and_the_system_page_say_how_complete_the_mirror_is(client: TestClient, session: Session) -> None:
    make_ticket(session, source="zendesk:acme", source_id="7")
    assert "is unknown" in client.get("/system").text
    session.execute(
        text("INSERT INTO zendesk_accounts (source, state, decided_by) VALUES ('zendesk:acme', 'synced', 'run 1')")
    )
    session.commit()
    for path in ("/", "/system"):
        assert "how complete the mirror is, is unknown" in client.get(path).text
    session.execute(
        text("""
            INSERT INTO sync_cursors (source, lane, covered_from, complete_through)
            VALUES ('zendesk:acme', 'live', 1795000000, '2026-11-22 04:31Z')""")
    )
    session.execute(
        text("""
            INSERT INTO mirror_checks (source, at, complete_through, stored, missing, vanished, waiting)
            VALUES ('zendesk:acme', '2026-11-22 04:40Z', '2026-11-22 04:31Z', 1, 0, 0, 0)""")
    )
    session.commit()
    for path in ("/", "/system"):
        page = client.get(path).text
        assert "mirror complete through 2026-11-22 04:31 UTC for what changed since 2026-11-18; 0 missing" in page


def test_settings_are_shown_with_their_sentences(client: TestClient, session: Session) -> None:
    save(session, parse({"time_zone": "Europe/Berlin", "areas": {"Mail": ["inbox", "<b>"]}}), by=TESTER)
    session.commit()
    page = client.get("/settings").text
    assert order(
        page, "areas", "Mail", "inbox, &lt;b&gt;", "time_zone", "Europe/Berlin", "The zone in which days and weeks are"
    )


@pytest.mark.parametrize(
    "path", ["/", "/themes", "/issues", "/tickets", "/customers", "/runs", "/schedules", "/system", "/settings"]
)
def test_every_page_works_on_an_empty_database(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert 'aria-current="page"' in answer.text
    assert answer.text.count("<h1") == 1


def test_the_day_of_a_report_is_shown_when_it_is_long_ago(client: TestClient, session: Session) -> None:
    when = dt.datetime(2025, 1, 2, tzinfo=dt.UTC)
    make_ticket(session, created_at=when)
    session.commit()
    assert (
        f'<time datetime="2025-01-02T00:00:00Z" title="2025-01-02 00:00:00 UTC">{day(when)}</time>'
        in client.get("/tickets").text
    )


def test_why_trends_are_not_judged_stands_on_week_and_theme(client: TestClient, session: Session) -> None:
    theme = theme_with_reports(session, "Crash on start", 4)
    why = "not judged: 212 tickets of this week are not analysed yet"
    session.add(TrendLook(id=1, judged_day=dt.date(2026, 11, 20), covered_days=60, not_judged=why))
    session.commit()
    for address in ("/", f"/themes/{theme}"):
        page = client.get(address).text
        assert f"Trends are {why}. Marks and sentences are of 20 Nov 2026." in page
    session.get_one(TrendLook, 1).not_judged = None
    session.commit()
    assert "not judged:" not in client.get("/").text


def test_a_theme_shows_its_marks_and_the_numbers_behind_them(client: TestClient, session: Session) -> None:
    theme = theme_with_reports(session, "Crash on start", 4, trend_numbers={"recent": 1_014, "week_before": 9})
    day = dt.date(2026, 11, 2)
    for kind, ended in (("spike", day + dt.timedelta(days=9)), ("rising", None)):
        session.add(
            ThemeEpisode(
                theme_id=theme,
                kind=kind,
                started_on=day,
                last_on=day + dt.timedelta(days=2),
                ended_on=ended,
                sentence=f"What was said of the {kind}",
            )
        )
    session.commit()
    page = client.get(f"/themes/{theme}").text
    assert order(page, "Reports in the recent days", "1,014") == ["Reports in the recent days", "1,014"]
    assert "2 marks so far" in page
    assert "from 2 Nov 2026 to 4 Nov 2026: What was said of the spike." in page
    assert "from 2 Nov 2026, still standing: What was said of the rising." in page
