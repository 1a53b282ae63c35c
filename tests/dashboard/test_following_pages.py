"""Pages on which people follow a theme up: status, owner, notes, links, fix, customers, and the text for a tracker."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.access import Role
from miner.models import Customer, Issue, Theme, ThemeContact, ThemeEpisode, ThemeLogLine, TrendLook
from miner.themes import follow
from tests.dashboard.conftest import new_token
from tests.factories import TESTER, make_issue, make_theme, make_ticket

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def theme(session: Session) -> Theme:
    """A theme of two customers with two reports each, and one report without one."""
    made = make_theme(session, name="Exports", issue_count=5, first_seen_at=NOW - 90 * DAY)
    for number, name in enumerate(("Acme", "Bolt")):
        customer = Customer(source="zendesk:acme", kind="organization", external_key=name, name=name, owner="Dana")
        session.add(customer)
        session.flush()
        for days in (60, 5):
            report(session, made, days + number, customer=customer, zendesk_ticket_id=1000 + days + number)
    report(session, made, 50, None)
    session.commit()
    return made


def report(
    session: Session,
    theme: Theme,
    days: float,
    customer: Customer | None,
    facts: dict[str, str] | None = None,
    **columns: Any,
) -> Issue:
    source = {"source": "zendesk:acme", "url": "https://acme.zendesk.com/agent/tickets/1"} if columns else {}
    ticket = make_ticket(
        session, created_at=NOW - days * DAY, customer_id=customer.id if customer else None, **columns, **source
    )
    return make_issue(session, ticket, theme_id=theme.id, facts=facts or {})


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def fresh(session: Session, theme: Theme) -> Theme:
    session.expire_all()
    return session.get_one(Theme, theme.id)


def test_status_owner_note_and_link_are_given_and_set_back(client: TestClient, session: Session, theme: Theme) -> None:
    at = f"/themes/{theme.id}"
    for path, form in (
        ("status", {"status": "fixed", "fixed_at": "2026-11-03T09:00", "fixed_version": "7.2.1"}),
        ("owner", {"owner": "Ada Lovelace"}),
        ("notes", {"note": "Waits for the parser"}),
        ("links", {"url": "https://jira.example.com/browse/APP-7", "title": "APP-7"}),
    ):
        answer = client.post(f"{at}/{path}", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, at)
    page = client.get(at).text
    for part in ("Fixed", "Owner Ada Lovelace", "Tracker APP-7", "Waits for the parser", "in version 7.2.1"):
        assert part in text_of(page)
    assert 'href="https://jira.example.com/browse/APP-7"' in page
    assert page.count("Set back") == 4
    for line in (4, 3, 2, 1):
        assert client.post(f"/themes/log/{line}/undo").headers["location"] == f"{at}/follow#log"
    now = fresh(session, theme)
    assert (now.status, now.owner, now.fixed_at) == ("new", None, None)
    page = text_of(client.get(f"{at}/follow").text)
    assert page.count("; taken back by local user") == 4
    assert client.post("/themes/log/1/undo").status_code == 409


def test_a_time_is_read_in_the_workspaces_zone_and_only_of_a_fix(
    client: TestClient, session: Session, theme: Theme
) -> None:
    form = {"status": "fixed", "fixed_at": "2026-11-03T09:00", "fixed_version": ""}
    client.post(f"/themes/{theme.id}/status", data=form)
    assert fresh(session, theme).fixed_at == dt.datetime(2026, 11, 3, 9, tzinfo=dt.UTC)
    assert 'value="2026-11-03T09:00"' in client.get(f"/themes/{theme.id}/follow").text
    client.post(f"/themes/{theme.id}/status", data=form | {"status": "planned"})
    assert fresh(session, theme).status == "planned"
    answer = client.post(f"/themes/{theme.id}/status", data=form | {"status": "planned"})
    assert "flash=unchanged" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("status", {"status": "done"}, "Choose one of new"),
        ("status", {"status": "fixed", "fixed_at": "soon"}, "A date and a time are needed"),
        ("status", {"status": "fixed", "fixed_at": "2999-01-01T00:00"}, "That is still to come"),
        ("status", {"status": "fixed", "fixed_version": "x"}, "A version holds a number"),
        ("owner", {"owner": "x" * 101}, "It has at most 100 characters"),
        ("notes", {"note": " "}, "A note has 1 to 4,000 characters"),
        ("links", {"url": "http://x.example"}, "An address that begins with https://"),
        ("links", {"url": "https://x.example/1", "title": "x" * 201}, "A title has at most 200"),
    ],
)
def test_what_is_refused_shows_the_form_again(
    client: TestClient, session: Session, theme: Theme, path: str, form: dict[str, str], said: str
) -> None:
    answer = client.post(f"/themes/{theme.id}/{path}", data=form)
    assert answer.status_code == 422
    assert said in text_of(answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert session.query(ThemeLogLine).count() == 0


def test_an_item_of_another_theme_is_in_the_way(client: TestClient, session: Session, theme: Theme) -> None:
    other = make_theme(session)
    follow.add_link(session, other.id, url="https://x.example/1", by=TESTER)
    session.commit()
    answer = client.post(f"/themes/{theme.id}/links", data={"url": "https://x.example/1"})
    assert (answer.status_code, f"linked to theme {other.id} already" in answer.text) == (409, True)


def test_a_fix_splits_the_reports_and_each_number_opens_as_many(
    client: TestClient, session: Session, theme: Theme
) -> None:
    for version, days in (("7.2.0", 3), ("7.2.1", 2), ("7.1", 1)):
        report(session, theme, days, None, {"version": version})
    report(session, theme, 4, None, {"began": (NOW - 30 * DAY).date().isoformat()})
    follow.set_status(session, theme.id, status="fixed", fixed_at=NOW - 20 * DAY, fixed_version="7.2.1", by=TESTER)
    session.commit()
    page = client.get(f"/themes/{theme.id}").text
    found = re.findall(r'href="(/themes/\d+/reports\?part=(\w+))">(\d+) report', page)
    assert {part: int(count) for _, part, count in found} == {
        "before": 3, "after": 3, "older_version": 2, "began_earlier": 1
    }  # fmt: skip
    for address, _, count in found:
        listed = client.get(address).text
        assert f"{count} report" in listed
        assert listed.count("<blockquote") == int(count)
    assert "no day is judged yet" in text_of(page)
    session.add(TrendLook(id=1, judged_day=(NOW - DAY).date()))
    session.commit()
    assert "after 28 quiet days: 1 day so far" in text_of(client.get(f"/themes/{theme.id}").text)


def test_a_fix_that_holds_says_so_with_both_rates(client: TestClient, session: Session) -> None:
    theme = make_theme(session, first_seen_at=NOW - 90 * DAY)
    for number in range(49):
        report(session, theme, 41 + number, None)
    follow.set_status(session, theme.id, status="fixed", fixed_at=NOW - 40 * DAY, by=TESTER)
    session.add(TrendLook(id=1, judged_day=(NOW - DAY).date()))
    session.commit()
    assert "Holding: before 6.9 a week, after 0 a week" in text_of(client.get(f"/themes/{theme.id}").text)
    assert client.get(f"/themes/{theme.id}/reports?part=after").status_code == 200
    follow.set_status(session, theme.id, status="planned", by=TESTER)
    session.commit()
    assert client.get(f"/themes/{theme.id}/reports?part=after").status_code == 404


def test_what_came_back_shows_the_words_of_each_customer_since(
    client: TestClient, session: Session, theme: Theme
) -> None:
    follow.set_status(session, theme.id, status="fixed", fixed_at=NOW - 20 * DAY, by=TESTER)
    theme.flag, theme.flagged_at, theme.came_back_at = "came_back", NOW, NOW
    session.add(
        ThemeEpisode(theme_id=theme.id, kind="came_back", started_on=NOW.date(), last_on=NOW.date(), sentence="x")
    )
    session.commit()
    page = client.get(f"/themes/{theme.id}").text
    notice = page[page.index('aria-label="Came back"') : page.index("</section>")]
    assert notice.count('class="quote"') == 2
    assert "It did not hold" in page
    assert "Fix reached customers" in page
    assert "Came back since" in page


def test_customers_are_listed_once_and_marked_as_told(client: TestClient, session: Session, theme: Theme) -> None:
    at = f"/themes/{theme.id}/customers"
    page = client.get(at).text
    assert text_of(page).count("looked after by Dana") == 2
    assert "2 customers, 0 told. 1 report names no known customer." in text_of(page)
    assert "Reply draft" not in page
    acme, bolt = (one.id for one in session.query(Customer).order_by(Customer.id))
    assert page.count(f'href="/issues?theme={theme.id}&amp;customer={acme}"') == 1
    answer = client.post(f"/themes/{theme.id}/contacts", data={"customer": str(acme), "state": "told", "sort": "open"})
    assert answer.headers["location"] == f"{at}?sort=open#customer-{acme}"
    client.post(f"/themes/{theme.id}/contacts", data={"customer": str(bolt), "state": "to_contact"})
    page = text_of(client.get(f"{at}?sort=recent").text)
    assert "1 told" in page
    assert "Told" in page
    assert "To contact" in page
    client.post(f"/themes/{theme.id}/contacts", data={"customer": str(acme), "state": ""})
    assert [row.customer_id for row in session.query(ThemeContact)] == [bolt]
    for form in ({"customer": "x", "state": "told"}, {"customer": str(acme), "state": "maybe"}):
        assert client.post(f"/themes/{theme.id}/contacts", data=form).status_code == 422
    assert client.post(f"/themes/{theme.id}/contacts", data={"customer": "999", "state": "told"}).status_code == 404


def test_a_fixed_theme_lists_whom_to_tell_with_a_draft_and_the_tickets(
    client: TestClient, session: Session, theme: Theme
) -> None:
    acme = session.query(Customer).order_by(Customer.id).first()
    assert acme is not None
    session.commit()  # the fix comes after it
    client.post(f"/themes/{theme.id}/contacts", data={"customer": str(acme.id), "state": "told"})
    follow.set_status(session, theme.id, status="fixed", fixed_version="7.2.1", by=TESTER)
    session.commit()
    page = client.get(f"/themes/{theme.id}/customers").text
    assert "Customers to tell" in page
    assert "2 customers, 0 told of this fix" in text_of(page)
    assert "told, of an earlier fix" in text_of(page)
    drafts = re.findall(r"<textarea[^>]*>([^<]*)</textarea>", page)
    assert len(drafts) == 2
    assert all("It is fixed in version 7.2.1 since" in draft for draft in drafts)
    assert {number for draft in drafts for number in re.findall(r"#(\d+)", draft)} == {"1060", "1005", "1061", "1006"}
    assert 'href="https://acme.zendesk.com/agent/tickets/1"' in page


def test_the_figures_of_a_theme_open_lists(client: TestClient, session: Session, theme: Theme) -> None:
    report(session, theme, 2, None, {"platform": " iPhone ", "user_segment": "Admins"})
    report(session, theme, 2, None, {"platform": "iphone"})
    session.commit()
    page = client.get(f"/themes/{theme.id}").text
    assert f'href="/issues?theme={theme.id}">7</a>' in page
    assert f'href="/themes/{theme.id}/customers">2</a>' in page
    assert f'href="/issues?theme={theme.id}&amp;platform=iphone">2</a>' in page
    address = re.search(rf'href="(/themes/{theme.id}/reports\?user=admins)">1</a>', page)
    assert address is not None
    assert client.get(address[1]).text.count("<blockquote") == 1
    assert client.get(f"/themes/{theme.id}/reports?user=unknown").text.count("<blockquote") == 6


def test_the_chart_counts_every_day_of_a_week_and_opens_as_many(
    client: TestClient, session: Session, theme: Theme
) -> None:
    for days in range(14, 21):
        report(session, theme, days, None)
    session.commit()
    page = client.get(f"/themes/{theme.id}").text
    counts = re.findall(rf'href="/issues\?theme={theme.id}&amp;from=([\d-]+)&amp;to=([\d-]+)">(\d+)</a></td>', page)
    weeks = [(dt.date.fromisoformat(first), dt.date.fromisoformat(last), int(n)) for first, last, n in counts]
    by_week = [one for one in weeks if (one[1] - one[0]).days == 6]
    assert sum(count for *_, count in by_week) == 12
    assert all(first.weekday() == 0 for first, *_ in by_week)


def test_a_report_is_set_aside_on_the_theme_and_taken_back_there(
    client: TestClient, session: Session, theme: Theme
) -> None:
    issue = session.query(Issue).order_by(Issue.id).limit(1).one()
    page = client.get(f"/themes/{theme.id}").text
    assert page.count('action="/issues/') == 5
    answer = client.post(f"/issues/{issue.id}/not-an-issue", data={"back": "theme"})
    assert answer.headers["location"] == f"/themes/{theme.id}#quotes"
    page = client.get(f"/themes/{theme.id}").text
    assert "1 report set aside" in page
    undo = re.search(r'action="(/corrections/\d+/undo)"', page)
    assert undo is not None
    assert client.post(undo[1], data={"back": "theme"}).headers["location"] == f"/themes/{theme.id}#quotes"
    assert "set aside" not in client.get(f"/themes/{theme.id}").text


def test_the_text_for_a_tracker_names_customers_only_on_request(client: TestClient, theme: Theme) -> None:
    page = client.get(f"/themes/{theme.id}/tracker").text
    assert "# Exports" in page
    assert "Acme" not in page
    assert f"(http://localhost/themes/{theme.id})" in page
    jira = client.get(f"/themes/{theme.id}/tracker?format=jira&names=yes").text
    assert "h1. Exports" in jira
    assert "Acme" in jira
    assert "whoever can read the tracker" in jira
    assert client.get(f"/themes/{theme.id}/tracker?format=xml").status_code == 422


def test_a_viewer_reads_all_of_it_and_has_no_forms(stranger: TestClient, session: Session, theme: Theme) -> None:
    follow.add_note(session, theme.id, note="Waits", by=TESTER)
    session.commit()
    headers = {"authorization": f"Bearer {new_token(Role.viewer)}"}
    for path in ("", "/customers", "/tracker"):
        page = stranger.get(f"/themes/{theme.id}{path}", headers=headers)
        assert page.status_code == 200
        assert 'method="post"' not in page.text.replace('action="/logout" method="post"', "")
    assert stranger.get(f"/themes/{theme.id}/follow", headers=headers).status_code == 403


def test_a_theme_that_is_gone_has_no_forms(client: TestClient, session: Session, theme: Theme) -> None:
    theme.retired_at = NOW
    session.commit()
    assert client.get(f"/themes/{theme.id}/follow").headers["location"] == f"/themes/{theme.id}"
    assert client.post(f"/themes/{theme.id}/owner", data={"owner": "x"}).status_code == 409
    assert client.get(f"/themes/{theme.id}/customers").status_code == 200
