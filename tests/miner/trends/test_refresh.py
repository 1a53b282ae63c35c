"""The trends step on a real database; today is the database's, so rows are made relative to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from miner import db
from miner.models import (
    Customer,
    DueConversation,
    Issue,
    JobRun,
    JobRunStep,
    SyncCursor,
    Theme,
    ThemeDay,
    ThemeEpisode,
    TrendLook,
)
from miner.runs import lifecycle
from miner.runs.context import Skip, StepContext
from miner.themes.follow import set_status
from miner.trends import refresh
from miner.trends.records import UNVERIFIED
from tests.factories import NOON, TESTER, make_issue, make_theme, make_ticket
from tests.support.streams import SOURCE, days_ago, make_mirror, make_window, write

ZONES = [f"Etc/GMT{number:+d}" for number in range(-11, 13)]  # one of them has any hour right now
MakeStep = Callable[..., StepContext]


@pytest.fixture
def run_trends(step: MakeStep) -> Callable[..., int]:
    """Run the step to its end, as a worker does; returns the run's id. Keywords change settings."""

    def run(**settings: Any) -> int:
        context = step("trends")
        context.settings = context.settings.model_copy(update=settings)
        refresh.run(context)
        with db.transaction() as session:
            lifecycle.complete(session, context.hold.claim)
        return context.run_id

    return run


def report(
    session: Session,
    theme: Theme | None,
    days: Iterable[int],
    *,
    customer: Customer | None = None,
    unverified: bool = False,
) -> None:
    """One analysed ticket with one issue so many days ago; without a theme, a ticket alone."""
    columns = {"quote": "never said", "quote_start": None, "quote_end": None, "quote_verified": False}
    for number in days:
        moment = days_ago(number)
        ticket = make_ticket(
            session,
            created_at=moment,
            text_hash="v1",
            analyzed_at=moment,
            analyzed_text_hash="v1",
            customer_id=customer.id if customer else None,
        )
        if theme is not None:
            make_issue(session, ticket, theme_id=theme.id, **(columns if unverified else {}))
    session.commit()


def make_customers(session: Session, count: int) -> list[Customer]:
    customers = [Customer(source="file:test", kind="requester", external_key=str(number)) for number in range(count)]
    session.add_all(customers)
    session.flush()
    return customers


def theme_days(session: Session, theme: Theme) -> dict[dt.date, tuple[int, int | None]]:
    session.commit()
    rows = session.execute(
        select(ThemeDay.day, ThemeDay.reports, ThemeDay.customers).where(ThemeDay.theme_id == theme.id)
    )
    return {row.day: (row.reports, row.customers) for row in rows}


def refreshed(session: Session, theme: Theme) -> Theme:
    session.commit()
    session.refresh(theme)
    return theme


RISE = [*range(10, 60, 4), *[number for number in range(1, 8) for _ in range(3)]]


def test_a_rise_is_flagged_with_its_sentence_and_numbers(session: Session, run_trends: Callable[..., int]) -> None:
    theme, calm = make_theme(session), make_theme(session)
    report(session, theme, RISE)
    report(session, calm, range(1, 60, 2))
    run_id = run_trends()
    refreshed(session, theme)
    assert theme.flag == "rising"
    assert theme.trend_sentence.startswith("Rising: 21 reports in the 7 days to ")
    assert theme.trend_sentence.endswith("(reports are counted; this source names no customers)")
    assert theme.trend_numbers["recent"] == 21
    assert theme.flagged_at == theme.judged_at
    refreshed(session, calm)
    assert (calm.flag, calm.flagged_at) == (None, None)
    assert calm.trend_sentence.startswith("No clear change: ")
    assert session.get_one(JobRun, run_id).counters == {"themes": 2}
    step = session.scalars(select(JobRunStep).where(JobRunStep.run_id == run_id, JobRunStep.name == "trends")).one()
    assert (step.done, step.total) == (2, 2)


def test_a_flag_that_stands_keeps_the_moment_it_was_raised(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session)
    report(session, theme, RISE)
    run_trends()
    first = refreshed(session, theme).flagged_at
    session.execute(update(ThemeEpisode).values(raised_at=NOON))
    session.commit()
    run_trends()
    assert first is not None
    assert refreshed(session, theme).flagged_at == NOON
    episode = session.scalars(select(ThemeEpisode)).one()
    assert (episode.kind, episode.sentence, episode.numbers) == ("rising", theme.trend_sentence, theme.trend_numbers)
    assert (episode.started_on, episode.last_on, episode.ended_on) == (days_ago(1).date(), days_ago(1).date(), None)


def test_a_flag_that_no_longer_holds_is_taken_down(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session, flag="rising", flagged_at=NOON)
    report(session, theme, range(1, 60, 2))
    run_trends()
    assert (refreshed(session, theme).flag, theme.flagged_at) == (None, None)


def test_reports_of_today_are_counted_but_not_judged(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session)
    report(session, theme, [*range(1, 60, 2), *[0] * 12])
    run_trends()
    assert refreshed(session, theme).flag is None
    assert theme_days(session, theme)[days_ago(0).date()] == (12, None)


def test_one_loud_customer_is_no_trend(session: Session, run_trends: Callable[..., int]) -> None:
    loud, many = make_theme(session), make_theme(session)
    customers = make_customers(session, 12)
    for theme in (loud, many):
        report(session, theme, range(2, 60, 3), customer=customers[0])
    report(session, loud, [1] * 12, customer=customers[0])
    for customer in customers:
        report(session, many, [1], customer=customer)
    run_trends()
    assert refreshed(session, loud).flag is None
    assert refreshed(session, many).flag == "spike"
    assert many.trend_sentence.endswith("(each customer counts once a day)")
    assert theme_days(session, loud)[days_ago(1).date()] == (12, 1)


def test_new_asks_for_different_customers(session: Session, run_trends: Callable[..., int]) -> None:
    one, three = make_theme(session), make_theme(session)
    customers = make_customers(session, 3)
    report(session, None, range(1, 60))
    report(session, one, [3, 4, 5], customer=customers[0])
    for number, customer in enumerate(customers):
        report(session, three, [3 + number], customer=customer)
    run_trends()
    assert refreshed(session, one).flag is None
    assert refreshed(session, three).flag == "new"
    assert "3 reports from 3 customers since " in three.trend_sentence


def test_a_young_history_is_too_few_to_tell(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session)
    report(session, theme, [*range(7, 20), *[1] * 9])
    run_trends()
    assert refreshed(session, theme).flag is None
    assert theme.trend_sentence == "Too few to tell: 19 covered days, 28 are needed; first seen in imported history"


def test_tickets_of_today_alone_are_too_few_to_tell(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session)
    report(session, theme, [0, 0, 0])
    run_trends()
    assert refreshed(session, theme).trend_sentence == "Too few to tell: no complete day is covered yet"


def test_days_are_those_of_the_workspace_zone(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session)
    ticket = make_ticket(session, created_at=days_ago(5, hour=23))
    make_issue(session, ticket, theme_id=theme.id)
    session.commit()
    run_trends(time_zone="UTC")
    assert [*theme_days(session, theme)] == [days_ago(5).date()]
    run_trends(time_zone="Asia/Tokyo")
    assert [*theme_days(session, theme)] == [days_ago(4).date()]


def test_history_follows_the_membership_of_today(session: Session, run_trends: Callable[..., int]) -> None:
    old, new = make_theme(session), make_theme(session)
    report(session, old, [3, 3, 4])
    run_trends()
    assert theme_days(session, old) == {days_ago(3).date(): (2, None), days_ago(4).date(): (1, None)}
    moved = session.scalars(select(Issue.id).order_by(Issue.id)).first()
    session.execute(update(Issue).where(Issue.id == moved).values(theme_id=new.id))
    session.commit()
    run_trends()
    assert theme_days(session, old) == {days_ago(3).date(): (1, None), days_ago(4).date(): (1, None)}
    assert theme_days(session, new) == {days_ago(3).date(): (1, None)}


def test_retired_issues_and_retired_themes_have_no_days(session: Session, run_trends: Callable[..., int]) -> None:
    kept, gone = make_theme(session), make_theme(session)
    report(session, kept, [3, 4])
    report(session, gone, [3, 4])
    run_trends()
    assert len(theme_days(session, gone)) == 2
    session.execute(update(Theme).where(Theme.id == gone.id).values(retired_at=NOON))
    last = session.scalars(select(Issue.id).where(Issue.theme_id == kept.id).order_by(Issue.id)).first()
    session.execute(update(Issue).where(Issue.id == last).values(retired_at=NOON, retired_reason="no longer found"))
    session.commit()
    run_trends()
    assert theme_days(session, gone) == {}
    assert [*theme_days(session, kept)] == [days_ago(4).date()]
    assert refreshed(session, gone).judged_at is not None  # of the first run; a retired theme is not judged again


def test_what_has_no_verified_quote_is_neither_counted_nor_judged(
    session: Session, run_trends: Callable[..., int]
) -> None:
    mixed, nothing = make_theme(session), make_theme(session, flag="rising", flagged_at=NOON)
    report(session, mixed, [1, 3, 5, *range(9, 40, 5)])
    counted = theme_days_after(session, run_trends, mixed)
    before = (refreshed(session, mixed).trend_numbers, mixed.trend_sentence)
    for theme in (mixed, nothing):
        report(session, theme, [number for number in range(1, 8) for _ in range(6)], unverified=True)
    assert theme_days_after(session, run_trends, mixed) == counted
    assert (refreshed(session, mixed).trend_numbers, mixed.trend_sentence) == before
    assert theme_days(session, nothing) == {}
    assert (refreshed(session, nothing).flag, nothing.trend_sentence) == (None, UNVERIFIED)


def theme_days_after(
    session: Session, run_trends: Callable[..., int], theme: Theme
) -> dict[dt.date, tuple[int, int | None]]:
    run_trends()
    return theme_days(session, theme)


def test_a_second_run_touches_no_day_and_changes_no_verdict(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session)
    report(session, theme, RISE)

    def state() -> tuple[Any, ...]:
        refreshed(session, theme)
        rows = session.execute(text("SELECT theme_id, day, reports, xmin::text FROM theme_days ORDER BY day")).all()
        return rows, theme.flag, theme.flagged_at, theme.trend_sentence, theme.trend_numbers, theme.updated_at

    run_trends()
    before = state()
    run_trends()
    assert state() == before


def test_nothing_is_judged_while_many_tickets_are_unread(session: Session, step: MakeStep) -> None:
    theme = make_theme(session, flag="rising", flagged_at=NOON)
    report(session, theme, range(1, 60, 2))
    for number in range(2, 9):
        make_ticket(session, created_at=days_ago(number))
    session.commit()
    said = "not judged: 6 tickets of this week are not analysed yet"
    assert refresh.run(step("trends")) == Skip(f"trends were {said}")
    session.commit()
    look = session.get_one(TrendLook, 1)
    assert (look.not_judged, look.judged_day) == (said, None)
    assert (refreshed(session, theme).flag, theme.judged_at) == ("rising", None)
    assert len(theme_days(session, theme)) == 30


def test_the_themes_of_a_pipeline_are_counted_once(session: Session, step: MakeStep) -> None:
    report(session, make_theme(session), [3, 4])
    context = step("pipeline", step_name="trends")
    refresh.run(context)
    assert session.get_one(JobRun, context.run_id).counters == {}


def test_without_themes_the_step_is_skipped(step: MakeStep) -> None:
    assert refresh.run(step("trends")) == Skip("there are no themes to judge yet")


def test_a_spike_of_the_last_hours_is_told_before_the_day_is_over(
    session: Session, run_trends: Callable[..., int]
) -> None:
    now = session.execute(text("SELECT now()")).scalar_one()
    [zone] = [name for name in ZONES if now.astimezone(ZoneInfo(name)).hour == 15]
    theme = make_theme(session)
    write(session, None, [day for day in range(-1, 70) for _ in range(3)], hour=0)
    write(session, theme, range(2, 70, 2), hour=0)
    moment = now - dt.timedelta(hours=4)
    write(session, theme, [0] * 9, created_at=moment)
    make_mirror(session, begins=69)
    session.execute(update(SyncCursor).values(complete_through=now))
    session.commit()
    run_trends(time_zone=zone)
    session.refresh(theme)
    assert theme.flag == "spike"
    assert theme.trend_sentence.startswith("Spike: 9 reports in the 24 hours to ")
    assert " 15:00 where " in theme.trend_sentence
    episode = session.scalars(select(ThemeEpisode)).one()
    session.execute(update(SyncCursor).values(complete_through=now - dt.timedelta(hours=20)))
    session.commit()
    run_trends(time_zone=zone)  # the mirror reaches less far: the day alone is judged, and the flag stands
    session.refresh(theme)
    assert (theme.flag, theme.flagged_at) == ("spike", episode.raised_at)


def test_what_was_fixed_and_is_reported_again_came_back(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session, status="fixed")
    customers = make_customers(session, 3)
    report(session, theme, range(20, 60, 4))
    run_trends()
    assert refreshed(session, theme).fixed_at is not None
    session.execute(update(Theme).values(fixed_at=days_ago(15)))
    report(session, theme, [14, 13], customer=customers[0])  # a customer counts once
    for number, customer in enumerate(customers):
        report(session, theme, [3 + number], customer=customer)
    run_trends()
    assert refreshed(session, theme).flag == "came_back"
    assert theme.trend_sentence.startswith("Came back: 3 customers since the fix of ")
    assert theme.came_back_at == theme.flagged_at
    session.execute(update(Theme).values(status="in_progress"))
    session.commit()
    run_trends()
    assert (refreshed(session, theme).fixed_at, theme.came_back_at) == (None, None)
    assert theme.trend_sentence.startswith("Came back: ")  # it stands for seven days
    assert "Since then: " in theme.trend_sentence


def test_a_return_is_said_once_for_a_fix_and_again_after_the_next(
    session: Session, run_trends: Callable[..., int]
) -> None:
    theme = make_theme(session, status="fixed", fixed_at=days_ago(60))
    for number, customer in enumerate(make_customers(session, 4)):
        report(session, theme, [3 + number], customer=customer)
    run_trends()
    assert refreshed(session, theme).flag == "came_back"
    run_trends()
    episode = session.scalars(select(ThemeEpisode).where(ThemeEpisode.kind == "came_back")).one()
    assert episode.numbers["since_fixed"] == 4
    episode.ended_on = episode.last_on  # as 28 quiet days do
    session.commit()
    run_trends()
    assert session.query(ThemeEpisode).filter_by(kind="came_back").count() == 1
    assert refreshed(session, theme).flag != "came_back"
    set_status(session, theme.id, status="fixed", fixed_at=days_ago(10), by=TESTER)
    session.commit()
    run_trends()
    assert refreshed(session, theme).flag == "came_back"
    assert session.query(ThemeEpisode).filter_by(kind="came_back").count() == 2


def test_reports_of_an_older_version_are_no_return(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session, status="fixed", fixed_at=days_ago(30), fixed_version="7.2.1")
    for number, customer in enumerate(make_customers(session, 6)):
        report(session, theme, [3 + number], customer=customer)
    session.execute(update(Issue).values(facts={"version": "7.1"}))
    session.commit()
    run_trends()
    assert refreshed(session, theme).flag != "came_back"
    session.execute(update(Issue).where(Issue.id % 2 == 0).values(facts={"version": "7.2.1"}))
    session.commit()
    run_trends()
    assert refreshed(session, theme).flag == "came_back"
    assert theme.trend_numbers["apart"] == 3


def test_days_count_only_where_the_mirror_is_complete(session: Session, run_trends: Callable[..., int]) -> None:
    theme = make_theme(session)
    write(session, theme, range(1, 60))
    make_mirror(session, begins=40, ends=2)
    session.commit()
    run_trends()
    assert refreshed(session, theme).trend_numbers["as_of"] == days_ago(3).date().isoformat()
    assert theme.trend_numbers["covered_days"] == 38
    make_window(session, begins=60, ends=20)
    session.commit()
    run_trends()
    look = session.get_one(TrendLook, 1)
    session.refresh(look)
    assert look.not_judged == "not judged: older tickets are being fetched, and the mirror is not complete until then"
    assert refreshed(session, theme).trend_numbers["covered_days"] == 38


def test_a_conversation_that_is_still_to_be_fetched_is_not_read(
    session: Session, run_trends: Callable[..., int]
) -> None:
    theme = make_theme(session)
    write(session, theme, [2], zendesk_ticket_id=77)
    write(session, theme, range(3, 60))
    make_mirror(session, begins=60)
    waiting = DueConversation(source=SOURCE, ticket_number=77, version=1, priority=0)
    session.add(waiting)
    session.commit()
    run_trends()
    assert "1 ticket of this week is not analysed yet" in str(session.get_one(TrendLook, 1).not_judged)
    waiting.priority = 3  # its only comment is the description, which is known
    session.commit()
    run_trends()
    session.expire_all()
    assert session.get_one(TrendLook, 1).not_judged is None


def test_imported_files_beside_a_mirror_are_not_judged_unless_they_reach_as_far(
    session: Session, run_trends: Callable[..., int]
) -> None:
    mirrored, imported = make_theme(session, issue_count=1), make_theme(session, issue_count=1)
    write(session, mirrored, range(1, 70))
    write(session, imported, range(20, 90), source="file:old")
    make_mirror(session, begins=69)
    session.commit()
    run_trends()
    assert refreshed(session, mirrored).trend_sentence.startswith("No clear change")
    assert refreshed(session, imported).trend_sentence.startswith("Not judged: its reports are in imported files")
    write(session, imported, range(1, 20), source="file:old")
    session.commit()
    run_trends()
    assert refreshed(session, imported).trend_sentence.startswith("No clear change")
