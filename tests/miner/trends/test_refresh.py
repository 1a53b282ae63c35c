"""The trends step on a real database; today is the database's, so rows are made relative to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from miner import db
from miner.models import Customer, Issue, JobRun, JobRunStep, Theme, ThemeDay, ThemeEpisode, TrendLook
from miner.runs import lifecycle
from miner.runs.context import Skip, StepContext
from miner.trends import refresh
from tests.factories import NOON, make_issue, make_theme, make_ticket

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


def days_ago(number: int, hour: int = 12) -> dt.datetime:
    midnight = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - dt.timedelta(days=number) + dt.timedelta(hours=hour)


def report(session: Session, theme: Theme | None, days: Iterable[int], *, customer: Customer | None = None) -> None:
    """One analysed ticket with one issue so many days ago; without a theme, a ticket alone."""
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
            make_issue(session, ticket, theme_id=theme.id)
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
    step = session.scalars(select(JobRunStep).where(JobRunStep.run_id == run_id)).one()
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
