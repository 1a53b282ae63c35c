"""Weeks that are over are kept as they were shown, once, and tell what was corrected since."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import db
from miner.models import ClosedWeek, Theme, TrendLook
from miner.runs import lifecycle
from miner.runs.context import Skip, StepContext
from miner.runs.jobs import JOBS
from miner.trends import closing
from miner.trends.kept import MOST_WEEKS, find_kept, find_since, list_missing, record_week
from miner.trends.records import refresh_days
from miner.weeks import Week
from tests.factories import make_issue, make_theme, make_ticket

UTC = ZoneInfo("UTC")
MakeStep = Callable[..., StepContext]


def this_week(zone: ZoneInfo = UTC) -> Week:
    return Week.of(dt.datetime.now(zone).date(), zone)


def report(session: Session, theme: Theme, week: Week, count: int = 1) -> None:
    for _ in range(count):
        make_issue(session, make_ticket(session, created_at=week.starts + dt.timedelta(hours=30)), theme_id=theme.id)
    refresh_days(session, zone="UTC")
    session.commit()


def kept(session: Session) -> list[tuple[dt.date, bool]]:
    return [(row.monday, row.later) for row in session.scalars(select(ClosedWeek).order_by(ClosedWeek.monday))]


def test_each_week_since_the_first_report_is_kept_once(session: Session, step: MakeStep) -> None:
    theme, this = make_theme(session), this_week()
    report(session, theme, this.shift(-3), 2)
    look = TrendLook(id=1, judged_day=this.shift(-1).sunday, covered_days=40)
    session.add(look)
    session.commit()
    context = step("trends", step_name="weeks")
    assert closing.run(context) is None
    assert kept(session) == [
        (this.shift(-3).monday, True),
        (this.shift(-2).monday, True),
        (this.shift(-1).monday, (dt.datetime.now(UTC) - this.starts).days >= 2),
    ]
    before = session.scalars(select(ClosedWeek.content).order_by(ClosedWeek.monday)).all()
    session.commit()
    report(session, theme, this.shift(-3), 5)
    with db.transaction() as own:
        lifecycle.complete(own, context.hold.claim)
    assert closing.run(step("trends", step_name="weeks")) == Skip("every week that is over is kept")
    assert session.scalars(select(ClosedWeek.content).order_by(ClosedWeek.monday)).all() == before


def test_the_steps_of_trends_end_with_keeping_weeks() -> None:
    assert [step.name for step in JOBS["trends"].steps] == ["trends", "weeks"]
    assert JOBS["trends"].steps[1].load() is closing.run


def test_a_week_that_just_ended_waits_for_its_sunday_to_be_judged_at_most_a_day(session: Session) -> None:
    this = this_week()
    report(session, make_theme(session), this.shift(-1))
    begun = session.scalar(text("SELECT now()"))
    assert begun is not None
    waits = begun < this.starts + dt.timedelta(days=1)
    assert list_missing(session, zone=UTC) == ([] if waits else [this.shift(-1)])
    session.add(TrendLook(id=1, judged_day=this.shift(-1).sunday))
    session.flush()
    assert list_missing(session, zone=UTC) == [this.shift(-1)]


def test_at_most_sixty_weeks_are_put_together_and_without_reports_none(session: Session) -> None:
    assert list_missing(session, zone=UTC) == []
    report(session, make_theme(session), this_week().shift(-80))
    missing = list_missing(session, zone=UTC)
    assert len(missing) >= MOST_WEEKS - 1
    assert missing[0] == this_week().shift(-MOST_WEEKS)


def test_what_is_kept_holds_no_word_of_a_ticket(session: Session) -> None:
    theme, week = make_theme(session, name="Export fails"), this_week().shift(-2)
    report(session, theme, week)
    assert record_week(session, week, settings_version=1, run_id=None)
    row = session.scalars(select(ClosedWeek)).one()
    assert "crashes every time" not in json.dumps(row.content)
    found = find_kept(session, week.monday)
    assert found is not None
    assert found.digest.sections[0].lines[0].issue_id is not None


def test_a_week_is_written_once_and_read_as_it_was(session: Session) -> None:
    theme, week = make_theme(session, name="Export fails"), this_week().shift(-2)
    report(session, theme, week, 2)
    assert record_week(session, week, settings_version=1, run_id=None)
    report(session, theme, week, 3)
    assert not record_week(session, week, settings_version=1, run_id=None)
    found = find_kept(session, week.monday)
    assert found is not None
    (section,) = found.digest.sections
    assert (section.lines[0].name, section.lines[0].reports) == ("Export fails", 2)
    assert (found.later, found.state.tickets, found.digest.now) == (True, 2, week.days)
    assert find_kept(session, week.shift(1).monday) is None


def test_what_was_corrected_since_is_told(session: Session) -> None:
    week = this_week().shift(-2)
    counted, renamed, merged, retired = (make_theme(session, name=f"Theme {number}") for number in range(4))
    for theme in (counted, renamed, merged, retired):
        report(session, theme, week)
    record_week(session, week, settings_version=1, run_id=None)
    found = find_kept(session, week.monday)
    assert found is not None
    report(session, counted, week, 3)
    renamed.name, renamed.status = "Another name", "planned"
    merged.heir_id, merged.retired_at = retired.id, week.ends
    retired.heir_id, retired.retired_at = counted.id, week.ends
    session.flush()
    since, totals = find_since(session, found.digest)
    assert since[counted.id].figures.reports == 4
    assert (since[renamed.id].name, since[renamed.id].status) == ("Another name", "planned")
    assert since[merged.id].heir == (counted.id, "Theme 0")
    assert (found.digest.totals.reports, totals.reports) == (4, 7)
