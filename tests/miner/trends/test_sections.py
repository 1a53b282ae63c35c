"""Which themes belong on a page of the week, and in which section."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from miner.models import Theme, ThemeDay, ThemeEpisode
from miner.trends import life, sections, state
from miner.trends.detection import LEAST_COVERED
from miner.trends.sections import CANDIDATES, Placed, place_themes
from miner.weeks import Days
from tests.factories import make_theme

UTC = ZoneInfo("UTC")
MONDAY, SUNDAY = dt.date(2026, 11, 16), dt.date(2026, 11, 22)
WEEK = Days(MONDAY, SUNDAY, UTC)
STARTS = WEEK.starts
LONG_AGO = STARTS - dt.timedelta(days=90)


def theme(session: Session, now: int = 0, before: int = 0, **columns: Any) -> Theme:
    """A theme with reports on the week's Wednesday and on the last Sunday of the week before."""
    if columns.get("flag"):
        columns.setdefault("flagged_at", STARTS)
    made = make_theme(session, **columns)
    for count, day in ((now, 2), (before, -1)):
        if count:
            session.add(ThemeDay(theme_id=made.id, day=MONDAY + dt.timedelta(days=day), reports=count))
    session.flush()
    return made


def episode(session: Session, made: Theme, kind: str, first: int, last: int | None = None, **columns: Any) -> None:
    """An episode from a day of the week (0: Monday) to another; without, it stands."""
    day = MONDAY + dt.timedelta(days=first)
    ended = None if last is None else MONDAY + dt.timedelta(days=last)
    values = {"sentence": f"{kind} then", "last_on": day, **columns}
    session.add(ThemeEpisode(theme_id=made.id, kind=kind, started_on=day, ended_on=ended, **values))
    session.flush()


def place(session: Session, *, present: bool = False, **options: Any) -> list[Placed]:
    return place_themes(session, now=WEEK, before=WEEK.before(), present=present, **options)


def named(found: list[Placed]) -> dict[str, list[int]]:
    by_section: dict[str, list[int]] = {}
    for one in found:
        if one.section:
            by_section.setdefault(one.section, []).append(one.id)
    return by_section


def test_while_the_week_goes_on_the_mark_that_stands_decides(session: Session) -> None:
    new = theme(session, 1, flag="new", flagged_at=LONG_AGO)
    worse = [theme(session, 9 - n, flag=flag, flagged_at=LONG_AGO) for n, flag in enumerate(["rising", "spike"])]
    back = theme(session, 2, flag="came_back", status="fixed", fixed_at=LONG_AGO)
    big = theme(session, 5, 3)
    fading = theme(session, 1, flag="fading", flagged_at=LONG_AGO)
    just_faded = theme(session, flag="faded")
    fixed = theme(session, 0, 2, status="fixed", fixed_at=STARTS)
    theme(session, flag="faded", flagged_at=LONG_AGO)
    theme(session, 9, retired_at=STARTS)
    theme(session)
    assert named(place(session, present=True)) == {
        "new": [new.id],
        "worse": [one.id for one in worse],
        "back": [back.id],
        "biggest": [big.id],
        "fading": [fixed.id, fading.id, just_faded.id],
    }


def test_of_a_week_that_is_over_the_mark_counts_that_was_raised_in_it_or_stood_at_its_end(session: Session) -> None:
    new, worse, earlier, over, later = (theme(session, count) for count in (1, 2, 3, 4, 5))
    episode(session, new, "new", 1, 5)  # raised and over within the week
    episode(session, worse, "rising", 6)
    episode(session, earlier, "spike", -5, 9)  # raised before it, stood at its end
    episode(session, over, "spike", -5, 3)  # raised before it, over by then
    episode(session, later, "rising", 7)
    assert named(place(session)) == {
        "new": [new.id],
        "worse": [earlier.id, worse.id],
        "biggest": [later.id, over.id],
    }


def test_a_mark_of_then_comes_with_what_was_said_then(session: Session) -> None:
    made = theme(session, 2, flag="fading", trend_sentence="Fading now")
    episode(session, made, "new", 0, 20)
    episode(session, made, "rising", 3, 20)
    (one,) = place(session)
    assert (one.section, one.flag, one.sentence) == ("worse", "rising", "rising then")


def test_sentences_of_today_are_of_the_week_only_when_it_was_just_judged(session: Session) -> None:
    theme(session, 2, trend_sentence="Steady")
    assert [one.sentence for one in place(session)] == [None]
    assert [one.sentence for one in place(session, just_judged=True)] == ["Steady"]
    assert [one.sentence for one in place(session, present=True)] == ["Steady"]


def test_before_anything_was_judged_a_theme_is_new_with_its_first_reports(session: Session) -> None:
    begins = theme(session)
    session.add(ThemeDay(theme_id=begins.id, day=MONDAY - dt.timedelta(days=30), reports=1))
    new = theme(session, 3, first_seen_at=STARTS)
    seldom = theme(session, 2, first_seen_at=STARTS)
    known = theme(session, 4, first_seen_at=LONG_AGO)
    assert named(place(session)) == {"new": [new.id], "biggest": [known.id, seldom.id]}
    episode(session, seldom, "fading", -3, -1)
    assert named(place(session)) == {"biggest": [known.id, new.id, seldom.id]}


def test_where_the_data_begins_nothing_is_new(session: Session) -> None:
    first = theme(session, 5, 1, first_seen_at=STARTS)
    assert named(place(session)) == {"biggest": [first.id]}


def test_the_present_week_is_ordered_by_both_and_a_closed_one_by_its_own_reports(session: Session) -> None:
    steady, sudden = theme(session, 1, 9), theme(session, 3, 0)
    assert named(place(session, present=True))["biggest"] == [steady.id, sudden.id]
    assert named(place(session))["biggest"] == [sudden.id, steady.id]


def test_a_section_says_how_many_there_are_and_how_many_with_the_same_flag(session: Session) -> None:
    for number in range(CANDIDATES + 5):
        theme(session, number + 1, flag="rising" if number % 5 else "spike")
    found = place(session, present=True)
    assert len(found) == CANDIDATES
    assert {one.total for one in found} == {CANDIDATES + 5}
    assert {one.flag: one.alike for one in found} == {"rising": 20, "spike": 5}


def test_days_outside_the_two_weeks_do_not_count(session: Session) -> None:
    made = theme(session, 2, 3)
    for day in (-8, 7):
        session.add(ThemeDay(theme_id=made.id, day=MONDAY + dt.timedelta(days=day), reports=50))
    session.flush()
    (one,) = place(session, present=True)
    assert (one.now, one.before) == (2, 3)


def test_the_numbers_are_those_of_the_trend_rules() -> None:
    """They stand twice, since the rules load numpy and scipy, and the web process must not."""
    assert (sections.NEW_COVERED, sections.NEW_REPORTS) == (life.NEW_COVERED, life.NEW_REPORTS)
    assert state.LEAST_COVERED == LEAST_COVERED
