"""Whoever looks at the week again sees what is new to them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import LOCAL, Actor, Role
from miner.trends.visits import record_visit

ANN, BEN = (Actor("user", "ann", Role.viewer, user_id=number) for number in (1, 2))


def age(session: Session, hours: float) -> dt.datetime:
    """Let every visit so far be that many hours older; returns when the latest was."""
    session.execute(
        text("UPDATE week_visits SET visited_at = visited_at - make_interval(hours => 1) * :h"), {"h": hours}
    )
    found: dt.datetime = session.execute(text("SELECT max(visited_at) FROM week_visits")).scalar_one()
    return found


def test_a_first_visit_has_none_before_it_and_each_person_their_own(session: Session) -> None:
    assert record_visit(session, by=ANN) is None
    last = age(session, 20)
    assert record_visit(session, by=ANN) == last
    assert record_visit(session, by=BEN) is None
    assert record_visit(session, by=LOCAL) is None


def test_looks_within_an_hour_are_one_visit(session: Session) -> None:
    record_visit(session, by=ANN)
    last = age(session, 20)
    assert record_visit(session, by=ANN) == last
    age(session, 0.5)
    assert record_visit(session, by=ANN) == last
    later = age(session, 2)
    assert record_visit(session, by=ANN) == later
