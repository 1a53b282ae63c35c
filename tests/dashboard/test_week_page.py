"""What stands on the week, and that every number on it leads to as many rows."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.models import Customer, Theme, ThemeLink, TrendLook
from miner.settings import parse, save
from miner.trends.kept import record_week
from miner.trends.records import refresh_days
from miner.weeks import Week
from tests.dashboard.conftest import new_session
from tests.factories import TESTER, make_issue, make_run, make_theme, make_ticket

NOW = dt.datetime.now(dt.UTC)
UTC = ZoneInfo("UTC")
THIS = Week.of(NOW.date(), UTC)
BEFORE = NOW - dt.timedelta(days=7)


def report(session: Session, theme: Theme | None, count: int, when: dt.datetime = NOW, **columns: Any) -> None:
    for _ in range(count):
        ticket = make_ticket(session, created_at=when, **columns)
        make_issue(session, ticket, theme_id=theme.id if theme else None)


def theme(session: Session, name: str, now: int, before: int = 0, **columns: Any) -> Theme:
    """A theme with `now` reports today and `before` seven days ago, each an issue in a ticket of its own."""
    if columns.get("flag"):
        columns.setdefault("flagged_at", NOW)
    made = make_theme(session, name=name, **columns)
    report(session, made, now)
    report(session, made, before, BEFORE)
    return made


def customer(session: Session, key: str, **columns: Any) -> Customer:
    made = Customer(source="file:test", kind="domain", external_key=key, **columns)
    session.add(made)
    session.flush()
    return made


def done(session: Session) -> None:
    refresh_days(session, zone="UTC")
    session.commit()


def judged(session: Session, covered: int = 60) -> None:
    session.add(TrendLook(id=1, judged_day=NOW.date() - dt.timedelta(days=1), covered_days=covered))


def main(client: TestClient, path: str = "/", **options: Any) -> str:
    answer = client.get(path, **options)
    assert answer.status_code == 200, answer.text
    return answer.text[answer.text.index("<main") :]


def words(page: str) -> str:
    """The text of a page, without its tags."""
    return re.sub(r" ([,.;])", r"\1", re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


def order(page: str, *parts: str) -> list[str]:
    """`parts` in the order in which they stand on the page; all must be there."""
    assert [part for part in parts if part not in page] == []
    return sorted(parts, key=page.index)


def test_the_week_has_its_sections_in_order_and_a_theme_in_one_of_them(client: TestClient, session: Session) -> None:
    theme(session, "Crash on start", 4, flag="new", trend_sentence="First seen 2 days ago")
    theme(session, "Slow search", 9, 2, flag="rising", trend_sentence="9 against 2 a week.")
    theme(session, "Lost mail", 3, flag="came_back", status="fixed", fixed_at=BEFORE)
    theme(session, "Broken print", 5, 6)
    theme(session, "Old dialog", 1, 7, flag="fading", trend_sentence="1 against 7.")
    done(session)
    page = main(client)
    parts = [
        "New",
        "Crash on start",
        "Getting worse",
        "Slow search",
        "Came back after a fix",
        "Lost mail",
        "Still the biggest",
        "Broken print",
        "Fading or fixed",
        "Old dialog",
    ]
    assert order(page, *parts) == parts
    shown = page[: page.index("Reports by week as a table")]
    assert [shown.count(f">{name}<") for name in parts[1::2]] == [1] * 5
    assert "First seen 2 days ago." in page
    assert "The export to CSV crashes every time" in page
    assert "1 new, 1 getting worse, 1 back after a fix this week: 22 reports, 5 themes." in words(page)


def test_an_empty_section_is_left_out(client: TestClient, session: Session) -> None:
    theme(session, "Broken print", 5, 6)
    done(session)
    assert "Getting worse" not in main(client)


def test_when_nothing_changed_it_says_so_with_the_numbers(client: TestClient, session: Session) -> None:
    theme(session, "Broken print", 5, 6)
    theme(session, "Slow search", 2, 1)
    judged(session)
    done(session)
    said = words(main(client))
    assert "Nothing new this week: 7 reports, 2 themes, all within their usual range." in said


@pytest.mark.parametrize(
    ("look", "why"),
    [
        (None, "not judged: the trend rules have not looked yet"),
        ({"covered_days": 12, "judged_day": NOW.date()}, "too few days to tell: 12 of the 28 that are needed"),
        (
            {"judged_day": NOW.date(), "covered_days": 60, "not_judged": "not judged: 9 tickets"},
            "not judged: 9 tickets",
        ),
    ],
)
def test_what_nobody_could_judge_is_not_called_usual(
    client: TestClient, session: Session, look: dict[str, Any] | None, why: str
) -> None:
    theme(session, "Broken print", 5, 6)
    if look:
        session.add(TrendLook(id=1, **look))
    done(session)
    said = words(main(client))
    assert f"Nothing new this week: 5 reports, 1 theme; whether that is usual cannot be said ({why})." in said


def test_a_row_tells_who_is_affected_what_they_pay_and_what_is_unknown(client: TestClient, session: Session) -> None:
    one = theme(session, "Broken print", 1, owner="ann", status="planned")
    known = customer(session, "a.example", plan="Pro", revenue=1200, currency="USD")
    report(session, one, 2, customer_id=known.id)
    report(session, one, 1, customer_id=customer(session, "b.example").id, status="closed")
    session.add(ThemeLink(theme_id=one.id, url="https://tracker.example/7", title="APP-7", created_by="ann"))
    done(session)
    page = main(client)
    said = words(page)
    assert "Planned ann APP-7" in said
    assert "Pro 1, plan unknown 1" in said
    assert "1,200 USD a year, unknown for 1 of 2" in said
    assert "1 report of unknown customers" in said
    assert 'href="https://tracker.example/7"' in page


def test_where_no_customer_is_known_it_says_so_instead_of_zero(client: TestClient, session: Session) -> None:
    theme(session, "Broken print", 2)
    done(session)
    assert "Customers: not in this source" in main(client)
    assert re.search(r"<dt>customers</dt>\s*<dd><span class=\"unknown\">unknown</span></dd>", main(client))


def test_a_section_holds_five_rows_at_most_and_leads_to_the_rest(client: TestClient, session: Session) -> None:
    for number in range(7):
        theme(session, f"Theme number {number}", number + 1, flag="rising" if number % 3 else "spike")
    done(session)
    page = main(client)
    names = [f"Theme number {number}" for number in range(6, 1, -1)]
    assert order(page, *names) == names
    assert "Theme number 1<" not in page
    assert "5 of 7." in page
    assert '<a href="/themes?flag=rising">All 4 rising</a>' in page
    assert '<a href="/themes?flag=spike">All 3 spike</a>' in page


def test_any_days_can_be_compared_without_a_script(client: TestClient, session: Session) -> None:
    one = theme(session, "Broken print", 0)
    report(session, one, 3, dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC))
    report(session, one, 2, dt.datetime(2025, 3, 10, 12, tzinfo=dt.UTC))
    done(session)
    path = "/?from=2026-03-01&to=2026-03-31&against_from=2025-03-01&against_to=2025-03-31"
    page = main(client, path)
    assert "1 to 31 Mar 2026" in page
    assert "2 reports from 1 to 31 Mar 2025" in words(page)
    assert 'name="against_from" value="2025-03-01"' in page
    answer = client.get("/?from=2026-03-31&to=2026-03-01")
    assert answer.status_code == 422
    assert "give the later day here" in answer.text


def test_a_week_without_reports_leads_to_the_latest_one(client: TestClient, session: Session) -> None:
    one = make_theme(session, name="Broken print")
    report(session, one, 1, dt.datetime(2025, 6, 4, 12, tzinfo=dt.UTC))
    done(session)
    page = main(client)
    assert "The latest report is of 4 Jun 2025" in page
    assert 'href="/weeks/2025-W23"' in page
    assert one.name in main(client, "/weeks/2025-W23")


def test_a_closed_week_that_is_not_kept_yet_is_counted_now(client: TestClient, session: Session) -> None:
    theme(session, "Broken print", 5, 6, first_seen_at=NOW - dt.timedelta(days=300))
    done(session)
    page = main(client, f"/weeks/{THIS.shift(-1).name}")
    assert f"Nothing new in week {THIS.shift(-1).number}: 6 reports, 1 theme; whether that was usual" in words(page)
    assert "days so far" not in page


def test_a_closed_week_stays_as_it_was_shown_and_says_what_was_corrected(client: TestClient, session: Session) -> None:
    week, name = THIS.shift(-1), f"/weeks/{THIS.shift(-1).name}"
    one, other, heir = (
        theme(session, "Broken print", 0, 6),
        theme(session, "Slow", 0, 3),
        theme(session, "Search", 0, 2),
    )
    refresh_days(session, zone="UTC")
    record_week(session, week, settings_version=1, run_id=None)
    one.name, one.status = "Printing fails", "planned"
    report(session, one, 2, BEFORE)
    other.retired_at, other.heir_id = NOW, heir.id
    done(session)
    page = main(client, name)
    said = words(page)
    assert "Broken print" in page
    assert "Since then renamed “Printing fails”; marked as planned; counted anew: 8 reports in this week." in said
    assert "Since then merged into Search." in said
    assert "11 reports (now 13 )" in said
    assert "What was corrected since" in said or "what was corrected since is said beside it" in said
    assert "Printing fails" not in main(client, name + "?").replace("renamed “Printing fails”", "")
    assert f'href="/issues?theme={one.id}&amp;from={week.monday}' not in page  # it would show another number
    assert f'href="/issues?theme={heir.id}&amp;from={week.monday}' in page


def test_a_week_put_together_later_says_so(client: TestClient, session: Session) -> None:
    week = THIS.shift(-3)
    report(session, make_theme(session), 1, week.starts + dt.timedelta(hours=40))
    refresh_days(session, zone="UTC")
    record_week(session, week, settings_version=1, run_id=None)
    session.commit()
    assert "Put together later," in main(client, f"/weeks/{week.name}")


def test_a_quote_of_a_closed_week_goes_with_its_ticket(client: TestClient, session: Session) -> None:
    week = THIS.shift(-1)
    one = theme(session, "Broken print", 0, 1)
    refresh_days(session, zone="UTC")
    record_week(session, week, settings_version=1, run_id=None)
    session.commit()
    assert "The export to CSV crashes every time" in main(client, f"/weeks/{week.name}")
    session.execute(text("UPDATE tickets SET deleted_at = now(), gone_reason = 'deleted'"))
    session.execute(text("UPDATE issues SET retired_at = now(), retired_reason = 'its ticket was deleted'"))
    session.commit()
    page = main(client, f"/weeks/{week.name}")
    assert one.name in page
    assert "crashes every time" not in page
    assert "The words that stood here are gone" in page


def test_what_was_raised_since_ones_own_last_visit_is_marked(client: TestClient, session: Session) -> None:
    theme(session, "Crash on start", 4, flag="new")
    theme(session, "Slow search", 4, flag="rising", flagged_at=BEFORE)
    done(session)
    assert "since your last visit" not in main(client)
    session.execute(text("UPDATE week_visits SET visited_at = now() - interval '2 days'"))
    session.commit()
    page = main(client)
    assert page.count("since your last visit") == 1
    assert page.index("since your last visit") < page.index("Slow search")


def test_one_persons_visit_marks_nothing_for_another(stranger: TestClient, session: Session) -> None:
    theme(session, "Crash on start", 4, flag="new")
    done(session)
    first, second = ({"cookie": f"sid={new_session()}"} for _ in range(2))
    main(stranger, headers=first)
    session.execute(text("UPDATE week_visits SET visited_at = now() - interval '2 days'"))
    session.commit()
    assert "since your last visit" in main(stranger, headers=first)
    assert "since your last visit" not in main(stranger, headers=second)


def test_it_says_how_fresh_and_complete_it_is_and_that_it_is_a_sample(client: TestClient, session: Session) -> None:
    theme(session, "Broken print", 1)
    make_ticket(session, source="sample", original_created_at=NOW)
    done(session)
    page = main(client)
    assert "2 tickets, 0 % read (2 to go), last by the local analyzer" in page
    assert "no full pipeline has completed yet" in page
    assert "settings version 1" in page
    assert "1 SeaMonkey bug reports" in page
    assert "identical" not in page
    assert "mapped onto the last 90 days" in page


def test_it_says_through_when_the_mirror_is_complete(client: TestClient, session: Session) -> None:
    theme(session, "Broken print", 1)
    session.execute(
        text("INSERT INTO zendesk_accounts (source, state, decided_by) VALUES ('zendesk:acme', 'synced', 'ann')")
    )
    done(session)
    assert "mirror not complete yet" in main(client)
    session.execute(
        text("INSERT INTO sync_cursors (source, lane, complete_through) VALUES ('zendesk:acme', 'live', now())")
    )
    session.commit()
    assert "mirror complete through <time" in main(client)


def test_it_says_how_many_tickets_the_last_pipeline_did_not_have_to_read(client: TestClient, session: Session) -> None:
    theme(session, "Broken print", 1)
    make_run(session, job_name="pipeline", state="completed", created_at=NOW, started_at=NOW, finished_at=NOW,
             counters={"tickets": 1500, "skipped": 12, "identical": 1300})  # fmt: skip
    done(session)
    page = main(client)
    assert "12 not read (empty, automatic or bounced)" in page
    assert "1,300 answered as an identical text had been" in page
    assert "No full pipeline has completed since" not in page


def test_a_pipeline_that_is_overdue_is_told_with_since_when_and_why(client: TestClient, session: Session) -> None:
    theme(session, "Broken print", 1)
    past = NOW - dt.timedelta(days=4)
    make_run(session, job_name="pipeline", state="completed", created_at=past, started_at=past, finished_at=past)
    done(session)
    said = words(main(client))
    assert "No full pipeline has completed since" in said
    assert "No worker is alive" in said


def test_days_and_weeks_are_those_of_the_workspace(client: TestClient, session: Session) -> None:
    save(session, parse({"time_zone": "Pacific/Kiritimati"}), by=TESTER)
    theme(session, "Broken print", 1)
    done(session)
    page = main(client)
    assert "Days are counted in Pacific/Kiritimati" in page
    assert "settings version 2" in page


def follow(client: TestClient, page: str) -> list[str]:
    """Open the list behind every number in `page` and compare its total; returns the names of the lists."""
    followed = []
    for url, link in re.findall(r'<a href="(/(?:issues|customers|tickets|themes)\?[^"]*)">([^<]*)</a>', page):
        number = re.search(r"[0-9][0-9,]*", link)
        if number and "sort=revenue" not in url:
            answer = client.get(f"/api{html.unescape(url)}")
            assert answer.status_code == 200, (url, answer.text)
            assert answer.json()["total"] == int(number[0].replace(",", "")), (url, link)
            followed.append(url[1 : url.index("?")])
    return followed


def populate(session: Session) -> None:
    """Themes in every section, with customers of several plans, closed tickets, and issues that do not count."""
    known = [
        customer(session, "a", plan="Pro", revenue=1200, currency="USD"),
        customer(session, "b", plan="Pro"),
        customer(session, "c", revenue=70, currency="USD"),
        None,
    ]
    for number, flag in enumerate(["new", "rising", "came_back", None, None, "fading"] + ["spike"] * 6):
        one = theme(session, f"Theme {number}", 1, 2, flag=flag)
        for place, whose in enumerate(known):
            when = (NOW, BEFORE, NOW)[(number + place) % 3]
            which = whose.id if whose else None
            report(session, one, 1 + place % 2, when, customer_id=which, status=("open", "closed")[place % 2])
        make_issue(session, make_ticket(session, created_at=NOW), theme_id=one.id, quote_verified=False)
        ticket = make_ticket(session, created_at=NOW)
        make_issue(session, ticket, theme_id=one.id, retired_at=NOW, retired_reason="gone")
    report(session, None, 2)
    done(session)


def test_every_number_leads_to_a_list_of_just_as_many_rows(client: TestClient, session: Session) -> None:
    populate(session)
    followed = follow(client, main(client))
    assert all(followed.count(name) >= 10 for name in ("issues", "customers", "tickets")), followed
    assert followed.count("themes") == 3  # how many were reported, and all that rise or spike
    last4 = presets_of(client)["Last 4 weeks"]
    assert len(follow(client, main(client, last4))) > 20


def presets_of(client: TestClient) -> dict[str, str]:
    links = re.findall(r'<a href="(/\?[^"]*)">(Last [^<]*)</a>', main(client))
    return {word: html.unescape(url) for url, word in links}


def test_the_numbers_of_a_closed_week_lead_to_as_many_rows_while_nothing_was_corrected(
    client: TestClient, session: Session
) -> None:
    populate(session)
    week = THIS.shift(-1)
    record_week(session, week, settings_version=1, run_id=None)
    session.commit()
    followed = follow(client, main(client, f"/weeks/{week.name}"))
    assert followed.count("issues") > 10


def test_the_api_says_what_the_page_says(client: TestClient, session: Session) -> None:
    one = theme(session, "Crash on start", 4, 1, flag="new", trend_sentence="New: 4 reports")
    done(session)
    answer = client.get(f"/api/weeks/{THIS.name}")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["week"], body["kept"], body["reports"], body["reports_before"]) == (THIS.name, False, 4, 1)
    assert body["sentence"] == "1 new this week: 4 reports, 1 theme."
    assert [section["name"] for section in body["sections"]] == ["new"]
    (row,) = body["sections"][0]["rows"]
    assert (row["theme_id"], row["reports"], row["customers"]) == (one.id, 4, 0)
    assert row["affected"]["open_tickets"] == 5
    assert row["quote"].startswith("The export to CSV crashes")
    assert row["reports_url"] == f"/issues?theme={one.id}&from={THIS.monday}&to={THIS.sunday}"


def test_the_api_keeps_a_closed_week_and_says_what_it_is_now(client: TestClient, session: Session) -> None:
    week = THIS.shift(-1)
    one = theme(session, "Broken print", 0, 2)
    refresh_days(session, zone="UTC")
    record_week(session, week, settings_version=1, run_id=None)
    one.name = "Printing fails"
    done(session)
    body = client.get(f"/api/weeks/{week.name}").json()
    assert body["kept"]
    (row,) = body["sections"][0]["rows"]
    assert (row["name"], row["since"]["name"]) == ("Broken print", "Printing fails")
    assert client.get("/api/weeks/2026-W99").status_code == 404
    assert client.get(f"/api/weeks/{week.name}?nothing=1").status_code == 422
