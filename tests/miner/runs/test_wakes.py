"""Wishes for a run: many calls, one run, and what is asked for during a run leads to another."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.access import Actor, Role
from miner.errors import Refused, UnknownJob
from miner.models import JobRun, JobWake
from miner.runs import lifecycle, schedules
from miner.runs.creation import create_run
from miner.runs.jobs import get_job
from miner.runs.pausing import pause_all
from miner.runs.wakes import APART_SECONDS, SETTLE_SECONDS, ask_for_run, start_asked_for
from tests.factories import TESTER, VIEWER

HOOK = Actor("webhook", "Zendesk", Role.operator)
# Beyond the database's clock by what the export hides.
SOON = dt.timedelta(seconds=SETTLE_SECONDS + 5)


def ask(session: Session) -> dt.datetime:
    """Ask for a sync; returns the first moment at which a run may vouch for it."""
    ask_for_run(session, "sync", by=HOOK)
    session.commit()
    return session.scalars(select(JobWake.last_asked_at)).one() + SOON


def start(session: Session, job: str) -> int:
    run_id, _ = create_run(session, get_job(job), {}, by=TESTER, trigger="code")
    session.commit()
    return run_id


def end(session: Session) -> None:
    """Whatever is active is over."""
    session.commit()
    for run_id in session.scalars(select(JobRun.id).where(JobRun.finished_at.is_(None))).all():
        lifecycle.request_cancel(session, run_id, by=TESTER)
    session.commit()


def test_many_calls_make_one_run_once_the_export_shows_what_they_tell_of(session: Session) -> None:
    for _ in range(5):
        due = ask(session)
    assert start_asked_for(session, now=due - SOON) == []
    (run_id,) = start_asked_for(session, now=due)
    run = session.get_one(JobRun, run_id)
    assert (run.job_name, run.trigger, run.triggered_by, run.args) == ("sync", "webhook", "webhook Zendesk", {})
    session.commit()
    end(session)
    assert start_asked_for(session, now=due + dt.timedelta(hours=1)) == [], "what was asked for is done"


def test_what_is_asked_for_while_a_sync_runs_leads_to_another_after_it(session: Session) -> None:
    busy = start(session, "pipeline")
    due = ask(session)
    assert start_asked_for(session, now=due) == []
    assert start_asked_for(session, now=due + dt.timedelta(minutes=9)) == []
    assert session.get_one(JobRun, busy).finished_at is None
    end(session)
    assert len(start_asked_for(session, now=due + dt.timedelta(minutes=10))) == 1


def test_a_call_in_the_hidden_minute_before_a_run_is_not_forgotten_with_it(session: Session) -> None:
    due = ask(session)
    wish = session.scalars(select(JobWake)).one()
    wish.last_asked_at = due - dt.timedelta(seconds=1)
    session.commit()
    assert len(start_asked_for(session, now=due)) == 1
    session.commit()
    end(session)
    later = due + dt.timedelta(seconds=max(APART_SECONDS, SETTLE_SECONDS))
    assert len(start_asked_for(session, now=later)) == 1
    assert start_asked_for(session, now=later + dt.timedelta(hours=1)) == []


def test_runs_are_kept_apart_however_often_is_asked(session: Session) -> None:
    due = ask(session)
    start_asked_for(session, now=due)
    session.commit()
    end(session)
    session.scalars(select(JobWake)).one().first_asked_at = due - SOON
    session.commit()
    assert start_asked_for(session, now=due + dt.timedelta(seconds=APART_SECONDS - 1)) == []
    assert len(start_asked_for(session, now=due + dt.timedelta(seconds=APART_SECONDS))) == 1


def test_the_tick_makes_the_run_after_the_schedules_of_that_minute(session: Session) -> None:
    two = (ask(session) + dt.timedelta(days=2)).replace(hour=2, minute=0, second=5)
    started = schedules.tick(session, now=two)
    jobs = [session.get_one(JobRun, run_id).job_name for run_id in started]
    assert "pipeline" in jobs
    assert "sync" not in jobs, "the pipeline of that minute syncs"
    session.commit()
    end(session)
    later = schedules.tick(session, now=two + dt.timedelta(minutes=1))
    assert [session.get_one(JobRun, run_id).job_name for run_id in later] == ["sync"]


def test_nothing_starts_while_everything_is_paused_and_nothing_is_lost(session: Session) -> None:
    due = ask(session)
    pause_all(session, reason="a test", by=TESTER)
    assert schedules.tick(session, now=due) == []
    assert session.scalars(select(JobWake.first_asked_at)).one() is not None


def test_who_may_not_start_a_job_may_not_wish_for_it_and_there_must_be_one(session: Session) -> None:
    with pytest.raises(Refused):
        ask_for_run(session, "sync", by=VIEWER)
    with pytest.raises(UnknownJob):
        ask_for_run(session, "nothing", by=HOOK)
