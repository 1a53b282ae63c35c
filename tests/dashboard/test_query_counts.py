"""How many statements a page sends: bounded, and the same however many rows it shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.models import Customer, JobRunStep, ScheduleTick, ThemeDay, ThemeLikeness
from miner.runs.events import record_event
from miner.themes import follow, following
from miner.themes.contacts import mark_contact
from miner.themes.edits import rename_theme
from miner.trends.kept import record_week
from miner.trends.records import refresh_days
from miner.weeks import Week
from tests.dashboard.conftest import new_session
from tests.factories import TESTER, make_issue, make_run, make_theme, make_ticket

NOW = dt.datetime.now(dt.UTC)
# Statements beside BEGIN and COMMIT; for somebody logged in there is one more, and a second one once a minute.
MOST = {
    "/": 22,  # ten of them the digest; also set-up, a grouping that waits, backlogs, checks, what is new to one
    "/start": 17,
    "/?from=2026-10-26&to=2026-11-22": 20,
    "/weeks/2026-W47": 20,
    "/themes": 11,  # also what is not yet a theme, a grouping that waits, quality, choices and views
    "/themes?from=2026-11-01&to=2026-11-30&plan=unknown&theme=1&customer=1": 14,  # also what these are called
    "/themes?text=export": 13,  # also what issues with these words say, and their vectors
    # Also its portrait, similar ones, those that are probably the same, what people changed and said, figures of two
    # windows, its customers, and its reports on both sides of a fix.
    "/themes/{theme}": 24,
    "/themes/{theme}/follow": 8,
    "/themes/{theme}/customers": 9,
    "/themes/{theme}/reports": 5,
    "/themes/{theme}/tracker": 6,
    "/themes/{theme}/change": 6,
    "/themes/changes": 2,
    "/themes/proposal": 2,
    "/themes/granularity": 3,
    "/issues": 8,
    "/issues?text=export&theme=none": 8,
    "/issues?from=2026-11-01&to=2026-11-30&plan=unknown": 10,
    "/issues/{issue}/similar": 6,
    "/tickets": 8,
    "/tickets?text=export&type=bug": 8,
    "/tickets/{ticket}": 9,
    "/check": 7,
    "/settings/again": 8,
    "/customers": 10,
    "/customers?theme=1&sort=open": 11,
    "/views": 2,
    "/runs": 9,
    "/runs/live": 8,
    "/runs/{run}": 8,
    "/runs/{run}/live": 7,
    "/schedules": 5,
    "/system": 12,
    "/settings": 2,
    "/settings/over": 5,
    "/settings/budget": 3,
    "/settings/versions": 3,
    "/settings/compare": 4,
    "/api/runs": 1,
    "/api/runs/{run}": 2,
    "/api/weeks/2026-W47": 13,
    "/api/themes": 4,  # also their flags' episodes, and what was judged
    "/api/themes?tracker_url=https://x.example/1": 7,
    "/api/themes/{theme}": 4,
    "/api/issues": 2,
    "/api/issues/summary": 1,
    "/api/tickets": 2,
    "/api/customers": 1,
    "/api/export/issues": 2,
    "/api/export/themes?format=json": 3,
    "/api/export/tickets": 2,
    "/api/export/customers": 2,
    "/api/tickets/{ticket}": 4,
    "/api/tasks/scheduler/status": 1,
    "/api/tasks/worker/status": 3,
    "/login": 1,
    "/healthz": 0,
}


def fill(session: Session, count: int) -> dict[str, int]:
    """`count` of everything."""
    run, first = make_run(session, job_name="pipeline"), make_theme(session)
    for number in range(count):
        customer = Customer(source="file:x", kind="requester", external_key=f"{run.id}-{number}")
        session.add(customer)
        session.flush()
        theme = make_theme(
            session,
            issue_count=count,
            flag=["new", "rising", "fading", None][number % 4],
            flagged_at=NOW if number % 4 < 3 else None,
        )
        session.add(ThemeDay(theme_id=theme.id, day=NOW.date(), reports=1))
        ticket = make_ticket(session, created_at=NOW, customer_id=customer.id)
        issue = make_issue(session, ticket, theme_id=theme.id)
        said = {"text": "Fails", "issues": [issue.id]}
        theme.portrait = {
            "by": "terms",
            "sentences": [said] * count,
            "points": [{"text": "It fails", "count": 1, "issue": issue.id}] * count,
            "quotes": [issue.id] * count,
        }
        first.portrait = theme.portrait
        session.add(ThemeLikeness(theme_id=first.id, other_id=theme.id, likeness=0.7))
        rename_theme(session, first.id, name=f"Export fails {number}", by=TESTER)
        make_issue(session, ticket, theme_id=first.id, facts={"platform": f"p{number}"})
        follow.add_note(session, first.id, note="x", by=TESTER)
        follow.add_link(session, first.id, url=f"https://x.example/{first.id}/{number}", by=TESTER)
        mark_contact(session, first.id, customer_id=customer.id, state="told", by=TESTER)
        make_run(session, job_name="sync")
        session.add(JobRunStep(run_id=run.id, position=number, name=f"step{number}", unit="tickets"))
        record_event(session, run.id, "line", f"Line {number}")
        session.add(
            ScheduleTick(
                schedule_id="hourly_trends", fire_at=NOW - dt.timedelta(hours=number + count), outcome="launched"
            )
        )
    follow.set_status(session, first.id, status="fixed", fixed_at=NOW - dt.timedelta(days=9), by=TESTER)
    if not following.find_by_link(session, "https://x.example/1"):
        follow.add_link(session, first.id, url="https://x.example/1", by=TESTER)
    session.commit()
    return {"theme": first.id, "ticket": ticket.id, "run": run.id, "issue": issue.id}


@pytest.mark.parametrize("path", MOST)
def test_a_page_sends_few_statements_however_much_it_shows(
    client: TestClient, session: Session, statements: Callable[[], Any], path: str
) -> None:
    counts = []
    for amount in (3, 30):
        rows = fill(session, amount)
        with statements() as seen:
            assert client.get(path.format(**rows)).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[1] <= MOST[path], counts


def test_being_logged_in_costs_one_statement_and_a_touch_a_minute(
    stranger: TestClient, statements: Callable[[], Any]
) -> None:
    cookie = {"cookie": f"sid={new_session()}"}
    with statements() as seen:
        assert stranger.get("/settings", headers=cookie).status_code == 200
    assert len(seen) <= MOST["/settings"] + 2


def test_a_closed_week_costs_few_statements_however_much_it_shows(
    client: TestClient, session: Session, statements: Callable[[], Any]
) -> None:
    counts = []
    for amount, back in ((3, 2), (30, 3)):
        fill(session, amount)
        session.execute(text("UPDATE issues SET occurred_at = now() - make_interval(days => 7) * :n"), {"n": back})
        refresh_days(session, zone="UTC")
        week = Week.of(NOW.date(), ZoneInfo("UTC")).shift(-back)
        record_week(session, week, settings_version=1, run_id=None)
        session.commit()
        with statements() as seen:
            assert client.get(f"/weeks/{week.name}").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8
