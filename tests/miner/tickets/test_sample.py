from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from miner.errors import Refused
from miner.models import AuditEntry, Issue, Theme, ThemeDay, ThemeEvent, Ticket, TicketComment
from miner.runs.context import StepContext
from miner.tickets import importer, sample
from tests.factories import NOON, TESTER, VIEWER, make_issue, make_theme, make_ticket

SECONDS = int((sample.LAST - sample.FIRST).total_seconds())
moments = st.integers(0, SECONDS).map(lambda seconds: sample.FIRST + dt.timedelta(seconds=seconds))
anchors = st.integers(0, 10**14).map(lambda microseconds: NOON + dt.timedelta(microseconds=microseconds))


@settings(deadline=None, derandomize=True)
@given(moments, moments, anchors)
def test_the_mapping_keeps_the_order_and_tells_its_anchor_exactly(
    one: dt.datetime, other: dt.datetime, anchor: dt.datetime
) -> None:
    mapped_one, mapped_other = sample.mapped(one, anchor=anchor), sample.mapped(other, anchor=anchor)
    assert (one < other) == (mapped_one < mapped_other)
    assert anchor - sample.SPAN <= mapped_one <= anchor
    assert sample.anchor_of(one, mapped_one) == anchor


def test_the_ends_of_the_file_are_the_ends_of_the_ninety_days() -> None:
    assert sample.mapped(sample.LAST, anchor=NOON) == NOON
    assert sample.mapped(sample.FIRST, anchor=NOON) == NOON - dt.timedelta(days=90)


def test_the_file_is_what_it_says() -> None:
    with gzip.open(sample.sample_path(), "rt", encoding="utf-8") as file:
        tickets = [json.loads(line) for line in file]
    times = [dt.datetime.fromisoformat(ticket["created_at"]) for ticket in tickets]
    assert (len(tickets), min(times), max(times)) == (1076, sample.FIRST, sample.LAST)
    assert times == sorted(times, reverse=True)
    assert not any(ticket["requester_id"] for ticket in tickets)


def test_the_sample_lies_in_the_last_ninety_days_and_a_second_import_moves_nothing(
    step: Callable[..., StepContext], session: Session
) -> None:
    context = step("import", {"path": str(sample.sample_path()), "source": "sample"})
    importer.run(context)
    before = session.execute(select(Ticket.source_id, Ticket.created_at, Ticket.original_created_at)).all()
    now = session.scalars(select(func.now())).one()
    newest = max(row.created_at for row in before)
    assert len(before) == 1076
    assert now - dt.timedelta(minutes=10) < newest < now
    assert min(row.created_at for row in before) == newest - sample.SPAN
    assert max(row.original_created_at for row in before) == sample.LAST
    by_original = sorted(before, key=lambda row: (row.original_created_at, row.created_at))
    assert [row.created_at for row in by_original] == sorted(row.created_at for row in before)
    late = select(func.count()).where(TicketComment.created_at > now)
    assert session.scalars(late).one() == 0
    session.execute(text("DELETE FROM tickets WHERE id % 3 = 0 OR original_created_at = :last"), {"last": sample.LAST})
    session.commit()

    context.checkpoint = None
    importer.run(context)
    after = session.execute(select(Ticket.source_id, Ticket.created_at, Ticket.original_created_at)).all()
    assert sorted(after) == sorted(before)


def test_removing_the_sample_removes_all_that_came_from_it_and_nothing_else(session: Session) -> None:
    own, only, mixed, unverified = (make_theme(session) for _ in range(4))
    kept_ticket = make_ticket(session)
    make_issue(session, kept_ticket, theme_id=unverified.id, quote_start=None, quote_end=None, quote_verified=False)
    for theme in (own, mixed):
        make_issue(session, kept_ticket, theme_id=theme.id)
    removed = make_ticket(session, source="sample")
    make_issue(session, removed, theme_id=unverified.id)
    for theme in (only, mixed):
        make_issue(session, removed, theme_id=theme.id)
        session.add(ThemeDay(theme_id=theme.id, day=NOON.date(), reports=1))
    session.commit()

    assert sample.remove_sample(session, by=TESTER) == 1
    session.commit()
    session.expire_all()

    assert session.scalars(select(Ticket.id)).all() == [kept_ticket.id]
    assert {issue.ticket_id for issue in session.scalars(select(Issue))} == {kept_ticket.id}
    themes = {theme.id: theme for theme in session.scalars(select(Theme))}
    assert themes[only.id].retired_at is not None
    assert (themes[mixed.id].retired_at, themes[mixed.id].issue_count) == (None, 1)
    assert themes[own.id].retired_at is None
    assert (themes[unverified.id].retired_at, themes[unverified.id].issue_count) == (None, 0)
    assert session.scalars(select(ThemeDay.theme_id)).all() == [mixed.id]
    assert [(event.theme_id, event.kind) for event in session.scalars(select(ThemeEvent))] == [(only.id, "retired")]
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor_name, entry.before) == ("sample.remove", "tester", {"tickets": 1})

    assert sample.remove_sample(session, by=TESTER) == 0


def test_a_viewer_may_not_remove_the_sample(session: Session) -> None:
    make_ticket(session, source="sample")
    with pytest.raises(Refused, match="remove the sample"):
        sample.remove_sample(session, by=VIEWER)
