"""What is our doing is no trend: backfills, outages, new taxonomies, other analyzers and re-clusters raise no flag.

Each story is a steady stream of reports on a real database, seen through the refresh step at every stage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from miner import db
from miner.models import Issue, SyncCursor, Theme, ThemeEpisode, ThemeEvent, TrendLook
from miner.runs import lifecycle
from miner.runs.context import StepContext
from miner.settings import load, parse, save
from miner.trends import refresh
from tests.factories import TESTER
from tests.support.streams import (
    days_ago,
    make_mirror,
    make_themes,
    make_window,
    poisson_days,
    read_tickets,
    write,
)

RATES = (0.1, 0.2, 0.3, 0.5, 0.5, 1, 1, 2, 3, 5)
Look = Callable[[], None]


@pytest.fixture
def look(session: Session, step: Callable[..., StepContext]) -> Look:
    """Commit what the test wrote and let the trends step look at it."""

    def run() -> None:
        session.commit()
        context = step("trends")
        refresh.run(context)
        with db.transaction() as other:
            lifecycle.complete(other, context.hold.claim)

    return run


def flags(session: Session) -> list[tuple[int, str]]:
    """(theme, kind) of every episode there ever was."""
    session.commit()
    return [(one.theme_id, one.kind) for one in session.scalars(select(ThemeEpisode))]


def last_look(session: Session) -> TrendLook:
    session.commit()
    look = session.get_one(TrendLook, 1)
    session.refresh(look)
    return look


def write_steady(
    session: Session, days: Sequence[int], *, read: bool = True, themes: Sequence[Theme] = ()
) -> tuple[list[Theme], dict[int, list[int]]]:
    """Themes at RATES over `days` ago, and {days ago: tickets}."""
    themes = list(themes) or make_themes(session, len(RATES))
    tickets: dict[int, list[int]] = {day: [] for day in days}
    for seed, (theme, rate) in enumerate(zip(themes, RATES, strict=True)):
        reported = poisson_days(rate, days, seed=seed)
        for day, ticket in zip(reported, write(session, theme, reported, read=read), strict=True):
            tickets[day].append(ticket)
    for day, ticket in zip(days, write(session, None, days, read=read), strict=True):
        tickets[day].append(ticket)
    return list(themes), tickets


def test_a_first_backfill_of_thirty_days_raises_nothing(session: Session, look: Look) -> None:
    days = range(1, 31)
    make_mirror(session, begins=0)
    for begins, ends in ((1, 0), (7, 1), (30, 7)):
        make_window(session, begins=begins, ends=ends)
    _, tickets = write_steady(session, days, read=False)
    look()
    for begins in (1, 7, 30):  # windows are walked newest first, and what came is read newest first
        session.execute(
            text("DELETE FROM sync_cursors WHERE lane LIKE 'window %' AND start_time >= :start"),
            {"start": int(days_ago(begins, 0).timestamp())},
        )
        session.execute(
            update(SyncCursor)
            .where(SyncCursor.lane == "live")
            .values(covered_from=int(days_ago(begins, 0).timestamp()))
        )
        for day in [day for day in days if day <= begins]:
            read_tickets(session, tickets.pop(day, []))
            if day in (1, 4, 7, 15, 29, 30):
                look()
    assert last_look(session).covered_days == 30
    assert flags(session) == []


def test_an_outage_of_three_days_and_the_catching_up_raise_nothing(session: Session, look: Look) -> None:
    themes, _ = write_steady(session, range(4, 70))
    make_mirror(session, begins=69, ends=3)
    look()
    assert last_look(session).judged_day == days_ago(4).date()
    _, tickets = write_steady(session, range(1, 4), read=False, themes=themes)
    look()
    make_mirror(session, begins=69, ends=0)  # all is fetched, nothing of it read
    look()
    unread = sum(len(many) for many in tickets.values())
    assert last_look(session).not_judged == f"not judged: {unread} tickets of this week are not analysed yet"
    for day in (1, 2, 3):
        read_tickets(session, tickets[day][::2])
        look()
        read_tickets(session, tickets[day][1::2])
        look()
    assert (last_look(session).judged_day, last_look(session).not_judged) == (days_ago(1).date(), None)
    assert flags(session) == []


def test_a_new_taxonomy_that_finds_twice_as_much_raises_nothing(session: Session, look: Look) -> None:
    _, tickets = write_steady(session, range(1, 70))
    make_mirror(session, begins=69)
    look()
    version = save(session, parse({"areas": {"Export": ["csv"]}}), by=TESTER)
    for day in range(1, 70):  # read again newest first; each ticket now reports a second theme as well
        read_tickets(session, tickets[day], settings_version=version)
        if day % 2:
            double(session, tickets[day])
        if day in (1, 3, 7, 8, 20, 36, 69):
            look()
    assert flags(session) == []


def double(session: Session, tickets: Sequence[int]) -> None:
    """The issues of these tickets stand in the first theme as well, which makes it much bigger than it was."""
    first = session.scalars(select(Theme.id).order_by(Theme.id)).first()
    session.execute(
        text("""
            INSERT INTO issues (ticket_id, analysis_id, analyzer, type, severity, summary, quote, quote_start,
              quote_end, quote_verified, text_hash, occurred_at, theme_id)
            SELECT ticket_id, analysis_id, analyzer, type, severity, summary, quote, quote_start, quote_end,
              quote_verified, text_hash, occurred_at, :first
            FROM issues WHERE ticket_id = ANY(:tickets) AND retired_at IS NULL AND theme_id <> :first"""),
        {"first": first, "tickets": list(tickets)},
    )


def test_another_analyzer_raises_nothing(session: Session, look: Look) -> None:
    """It reads only what comes from now on, and what it finds groups into themes of its own."""
    themes, _ = write_steady(session, range(31, 70))
    make_mirror(session, begins=69, ends=30)
    look()
    others, begins = make_themes(session, 3), 31
    for ends in (29, 27, 25, 22, 15, 8, 0):  # the days go by; the day that is not over has tickets too
        days = range(ends, begins)
        _, tickets = write_steady(session, days, read=False, themes=themes)
        for day in days:
            for number, theme in enumerate(others):
                read_tickets(session, tickets[day][number::3], analyzer="claude", model="claude-1", theme=theme)
        begins = ends
        make_mirror(session, begins=69, ends=ends)
        look()
        if ends == 27:
            assert "were read by another analyzer or taxonomy than the rest" in str(last_look(session).not_judged)
    assert last_look(session).covered_days == 30
    assert flags(session) == []


def test_a_re_cluster_raises_nothing(session: Session, look: Look) -> None:
    themes, _ = write_steady(session, range(1, 70))
    make_mirror(session, begins=69)
    look()
    [born] = make_themes(session, 1)
    big, other = themes[-1], themes[-2]
    session.add(ThemeEvent(theme_id=born.id, kind="split", other_id=big.id))
    session.execute(update(Issue).where(Issue.theme_id == big.id, Issue.id % 2 == 0).values(theme_id=born.id))
    session.execute(update(Issue).where(Issue.theme_id == other.id).values(theme_id=big.id))
    session.execute(update(Theme).where(Theme.id == other.id).values(retired_at=days_ago(0), heir_id=big.id))
    look()
    look()
    assert flags(session) == []


def test_a_rise_that_is_split_or_merged_is_told_once(session: Session, look: Look) -> None:
    [rising, born, heir] = make_themes(session, 3)
    write(session, None, range(1, 70))
    write(session, rising, [*range(10, 70, 4), *[day for day in range(1, 8) for _ in range(12)]])
    write(session, heir, range(1, 70, 3))
    make_mirror(session, begins=69)
    look()
    first = session.scalars(select(ThemeEpisode)).one()
    assert (first.theme_id, first.kind) == (rising.id, "rising")
    session.add(ThemeEvent(theme_id=born.id, kind="split", other_id=rising.id))
    session.execute(update(Issue).where(Issue.theme_id == rising.id, Issue.id % 2 == 0).values(theme_id=born.id))
    look()
    told = session.scalars(select(ThemeEpisode).where(ThemeEpisode.theme_id == born.id)).all()
    assert {one.continues_id for one in told} <= {first.id}
    session.execute(update(Issue).where(Issue.theme_id == rising.id).values(theme_id=heir.id))
    session.execute(update(Theme).where(Theme.id == rising.id).values(retired_at=days_ago(0), heir_id=heir.id))
    look()
    session.expire_all()
    assert first.theme_id == heir.id
    news = session.scalars(select(ThemeEpisode).where(ThemeEpisode.continues_id.is_(None))).all()
    assert [one.id for one in news if one.kind == "rising"] == [first.id]


def test_a_spike_during_our_outage_is_told_when_we_are_back(session: Session, look: Look) -> None:
    [theme] = make_themes(session, 1)
    write(session, None, [day for day in range(1, 70) for _ in range(3)])
    write(session, theme, range(1, 70, 2))
    make_mirror(session, begins=69, ends=3)
    look()
    write(session, theme, [3] * 9)
    make_mirror(session, begins=69, ends=0)
    look()
    session.commit()
    episode = session.scalars(select(ThemeEpisode)).one()
    assert (episode.kind, episode.started_on) == ("spike", days_ago(3).date())
    session.refresh(theme)
    assert theme.flag == "spike"
    assert theme.trend_sentence.startswith(episode.sentence + ". Since then: ")


def test_a_rise_right_after_the_taxonomy_changed_is_too_few_to_tell(session: Session, look: Look) -> None:
    [theme] = make_themes(session, 1)
    old = write(session, theme, range(10, 70, 4)) + write(session, None, range(9, 70))
    new = write(session, theme, [day for day in range(1, 8) for _ in range(8)], read=False)
    make_mirror(session, begins=69)
    version = save(session, parse({"areas": {"Export": ["csv"]}}), by=TESTER)
    read_tickets(session, new, settings_version=version)
    look()
    session.refresh(theme)
    assert (theme.flag, theme.trend_sentence[:15]) == (None, "Too few to tell")
    read_tickets(session, old, settings_version=version)
    look()
    session.commit()
    session.refresh(theme)
    assert theme.flag == "rising"


def test_other_settings_do_not_part_the_days(session: Session, look: Look) -> None:
    [theme] = make_themes(session, 1)
    write(session, theme, range(1, 70, 2))
    _, values = load(session)
    changed = values.model_copy(update={"product": "A word of it", "granularity": 2.0})
    version = save(session, changed, by=TESTER)
    ids = write(session, theme, [2, 4], read=False)
    read_tickets(session, ids, settings_version=version)
    make_mirror(session, begins=69)
    look()
    assert last_look(session).covered_days == 69
    assert isinstance(last_look(session).looked_at, dt.datetime)
