from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import InvalidArguments, NotFound, Refused, UsageError
from miner.models import AuditEntry, Schedule, ScheduleTick
from miner.runs import schedules
from miner.runs.schedule_edits import pause_schedule, resume_schedule, set_schedule
from tests.factories import TESTER, VIEWER


def test_an_edit_is_audited_counted_and_counts_from_now_on(session: Session) -> None:
    session.execute(text("UPDATE schedules SET evaluated_until = now() - interval '3 hours'"))
    row = set_schedule(session, "daily_sync", {"cron": "*/5 * * * *", "timezone": "Asia/Kathmandu"}, by=TESTER)
    session.commit()
    assert (row.version, row.cron, row.timezone) == (2, "*/5 * * * *", "Asia/Kathmandu")
    now = dt.datetime.now(dt.UTC)
    assert row.next_fire_at is not None
    assert now < row.next_fire_at < now + dt.timedelta(minutes=6)
    entry = session.query(AuditEntry).filter_by(action="schedule.edit").one()
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["cron"], entry.after["cron"]) == ("0 2 * * *", "*/5 * * * *")
    assert schedules.tick(session) != [], "hourly_trends was left three hours behind"
    launched = session.query(ScheduleTick).filter_by(schedule_id="daily_sync", outcome="launched")
    assert launched.count() == 0, "nothing of before the edit is made up for"


def test_a_time_that_was_due_before_its_edit_says_so_and_other_edits_leave_it_due(session: Session) -> None:
    session.execute(text("UPDATE schedules SET evaluated_until = now() - interval '90 minutes', next_fire_at = NULL"))
    set_schedule(session, "hourly_trends", {"title": "Trends"}, by=TESTER)
    session.commit()
    assert len(schedules.tick(session)) == 1, "a new title is no reason to lose a time"
    session.execute(text("UPDATE schedules SET evaluated_until = now() - interval '2 hours', next_fire_at = NULL"))
    session.execute(text("DELETE FROM schedule_ticks"))
    set_schedule(session, "hourly_trends", {"cron": "30 4 * * *"}, by=TESTER)
    ticks = session.query(ScheduleTick).filter_by(schedule_id="hourly_trends").all()
    assert {tick.outcome for tick in ticks} == {"skipped_misfire"}
    assert "edited" in str(ticks[0].detail)


def test_a_new_schedule_needs_a_job_and_a_cron_line(session: Session) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        set_schedule(session, "weekly", {"title": "Weekly"}, by=TESTER)
    assert set(refusal.value.fields) == {"job_name", "cron"}
    row = set_schedule(
        session, "weekly", {"job_name": "sync", "cron": "@weekly", "args": {"backfill_days": 30}}, by=TESTER
    )
    assert (row.title, row.cron, row.args, row.version) == ("Weekly", "0 0 * * 0", {"backfill_days": 30}, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"args": {"backfill_days": 0}}, "backfill_days"),
        ({"misfire_grace_seconds": -1}, "misfire_grace_seconds"),
        ({"misfire_grace_seconds": True}, "misfire_grace_seconds"),
        ({"title": " "}, "title"),
        ({"job_name": "import", "args": {"path": "/etc/passwd"}}, "job_name"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_a_wrong_field_is_refused_by_name_and_nothing_changes(
    session: Session, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        set_schedule(session, "daily_sync", changes, by=TESTER)
    assert field in refusal.value.fields
    session.rollback()
    assert session.get_one(Schedule, "daily_sync").version == 1


@pytest.mark.parametrize("name", ["", "With Space", "1st", "x" * 51, "a;b"])
def test_a_new_schedules_id_is_a_plain_word(session: Session, name: str) -> None:
    with pytest.raises(InvalidArguments, match="id"):
        set_schedule(session, name, {"job_name": "sync", "cron": "@daily"}, by=TESTER)


def test_two_people_cannot_overwrite_each_other(session: Session) -> None:
    set_schedule(session, "daily_sync", {"cron": "0 3 * * *"}, by=TESTER, version=1)
    with pytest.raises(UsageError, match="somebody else"):
        set_schedule(session, "daily_sync", {"cron": "0 4 * * *"}, by=TESTER, version=1)


def test_pausing_needs_a_note_and_resuming_does_not_make_up_for_the_pause(session: Session) -> None:
    with pytest.raises(InvalidArguments, match="note"):
        pause_schedule(session, "hourly_trends", "  ", by=TESTER)
    pause_schedule(session, "hourly_trends", "moving house", by=TESTER)
    pause_schedule(session, "hourly_trends", "again", by=TESTER)
    row = session.get_one(Schedule, "hourly_trends")
    assert (row.paused_by, row.pause_note) == ("code tester", "moving house")
    session.execute(text("UPDATE schedules SET evaluated_until = now() - interval '2 hours', next_fire_at = NULL"))
    resume_schedule(session, "hourly_trends", by=TESTER)
    session.commit()
    assert session.get_one(Schedule, "hourly_trends", populate_existing=True).paused_at is None
    assert schedules.tick(session) == []
    outcomes = {tick.outcome for tick in session.query(ScheduleTick).filter_by(schedule_id="hourly_trends")}
    assert outcomes == {"skipped_paused"}


def test_a_viewer_may_edit_nothing_and_an_unknown_schedule_is_named(session: Session) -> None:
    with pytest.raises(Refused):
        set_schedule(session, "daily_sync", {}, by=VIEWER)
    with pytest.raises(Refused):
        pause_schedule(session, "daily_sync", "x", by=VIEWER)
    with pytest.raises(Refused):
        resume_schedule(session, "daily_sync", by=VIEWER)
    with pytest.raises(NotFound, match="no schedule nightly"):
        resume_schedule(session, "nightly", by=TESTER)
