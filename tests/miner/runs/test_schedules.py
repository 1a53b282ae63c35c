from __future__ import annotations

import datetime as dt
import random
import threading
from collections import Counter

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import db
from miner.access import SYSTEM
from miner.models import JobRun, Schedule, ScheduleTick
from miner.runs import lifecycle, schedules
from miner.runs.cron import fire_times

START = dt.datetime(2026, 11, 24, 1, 30, tzinfo=dt.UTC)


@pytest.fixture
def clean(session: Session) -> Session:
    """Only the schedules a test makes, all evaluated up to START."""
    session.execute(text("DELETE FROM schedules"))
    session.commit()
    return session


def schedule(session: Session, name: str, cron: str, job: str = "analyze", **columns: object) -> Schedule:
    row = Schedule(id=name, title=name, job_name=job, cron=cron, evaluated_until=START, **columns)
    session.add(row)
    session.commit()
    return row


def ticks(session: Session, name: str) -> list[tuple[str, str]]:
    session.commit()
    rows = session.execute(
        select(ScheduleTick.fire_at, ScheduleTick.outcome)
        .where(ScheduleTick.schedule_id == name)
        .order_by(ScheduleTick.fire_at)
    )
    return [(f"{row.fire_at.astimezone(dt.UTC):%d %H:%M}", row.outcome) for row in rows]


def end_runs(session: Session) -> None:
    for run_id in session.scalars(text("SELECT id FROM job_runs WHERE finished_at IS NULL")).all():
        lifecycle.request_cancel(session, run_id, by=SYSTEM)
    session.commit()


def at(hour: int, minute: int = 0, day: int = 24) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, minute, 10, tzinfo=dt.UTC)


def test_a_due_schedule_starts_its_job_once_with_its_arguments(clean: Session) -> None:
    schedule(clean, "daily", "0 2 * * *", "pipeline", args={"backfill_days": 2})
    assert schedules.tick(clean, now=at(1, 59)) == []
    [run_id] = schedules.tick(clean, now=at(2))
    assert schedules.tick(clean, now=at(2)) == []
    run = clean.get_one(JobRun, run_id)
    assert (run.job_name, run.args, run.trigger, run.triggered_by) == (
        "pipeline", {"backfill_days": 2}, "schedule", "schedule daily",
    )  # fmt: skip
    assert run.scheduled_for == at(2).replace(second=0)
    assert ticks(clean, "daily") == [("24 02:00", "launched")]
    assert clean.get_one(Schedule, "daily").next_fire_at == at(2, day=25).replace(second=0)


def test_the_zone_of_the_schedule_decides(clean: Session) -> None:
    schedule(clean, "kathmandu", "0 8 * * *", timezone="Asia/Kathmandu")
    assert schedules.tick(clean, now=at(2, 14)) == []
    assert len(schedules.tick(clean, now=at(2, 15))) == 1


def test_a_time_within_the_grace_is_made_up_for_and_one_beyond_it_is_explained(clean: Session) -> None:
    schedule(clean, "late", "0 2 * * *")
    assert len(schedules.tick(clean, now=at(2, 59))) == 1
    end_runs(clean)
    assert schedules.tick(clean, now=at(3, 1, day=25)) == []
    assert ticks(clean, "late") == [("24 02:00", "launched"), ("25 02:00", "skipped_misfire")]


def test_several_missed_times_start_one_run_and_the_others_say_so(clean: Session) -> None:
    schedule(clean, "often", "*/10 * * * *")
    assert len(schedules.tick(clean, now=at(2, 5))) == 1
    assert ticks(clean, "often") == [("24 01:40", "coalesced"), ("24 01:50", "coalesced"), ("24 02:00", "launched")]


def test_without_coalescing_each_missed_time_is_tried(clean: Session) -> None:
    schedule(clean, "each", "*/10 * * * *", coalesce=False)
    schedules.tick(clean, now=at(2, 5))
    assert [outcome for _, outcome in ticks(clean, "each")] == ["launched", "skipped_overlap", "skipped_overlap"]


def test_an_active_run_makes_the_tick_a_skipped_run_that_names_it(clean: Session) -> None:
    schedule(clean, "daily", "0 * * * *")
    [first] = schedules.tick(clean, now=at(2))
    assert schedules.tick(clean, now=at(3)) == []
    assert ticks(clean, "daily") == [("24 02:00", "launched"), ("24 03:00", "skipped_overlap")]
    skipped = clean.scalars(select(JobRun).where(JobRun.state == "skipped")).one()
    assert skipped.skip_reason == f"Run {first} (analyze) was still queued"


def test_a_paused_schedule_explains_every_time_it_did_not_start(clean: Session) -> None:
    row = schedule(clean, "paused", "0 * * * *", paused_at=START, paused_by="tester", pause_note="moving house")
    assert schedules.tick(clean, now=at(3)) == []
    assert [outcome for _, outcome in ticks(clean, "paused")] == ["skipped_paused"] * 2
    assert "moving house" in str(clean.scalars(select(ScheduleTick.detail)).first())
    assert row.next_fire_at == at(4).replace(second=0)


def test_a_schedule_that_cannot_start_says_why_and_others_go_on(clean: Session) -> None:
    schedule(clean, "a_broken", "0 2 * * *", "no_such_job")
    schedule(clean, "b_wrong", "0 2 * * *", "sync", args={"backfill_days": 0})
    schedule(clean, "c_good", "0 2 * * *")
    assert len(schedules.tick(clean, now=at(2))) == 1
    assert ticks(clean, "a_broken") == [("24 02:00", "error")]
    assert ticks(clean, "b_wrong") == [("24 02:00", "error")]
    assert ticks(clean, "c_good") == [("24 02:00", "launched")]


def test_a_schedule_that_cannot_be_read_does_not_stop_the_others(clean: Session) -> None:
    schedule(clean, "a_broken", "0 2 * * *", timezone="Mars/Olympus")
    schedule(clean, "b_good", "0 2 * * *")
    assert len(schedules.tick(clean, now=at(2))) == 1
    assert [outcome for _, outcome in ticks(clean, "a_broken")] == ["error"]
    assert schedules.tick(clean, now=at(2, 30)) == [], "it is not tried again each minute"


def test_after_a_very_long_absence_the_gap_is_explained_without_a_million_rows(clean: Session) -> None:
    schedule(clean, "minutely", "* * * * *")
    schedules.tick(clean, now=START + dt.timedelta(days=30))
    found = ticks(clean, "minutely")
    assert len(found) == schedules.MOST_MISSED + 1
    first = clean.scalars(select(ScheduleTick).order_by(ScheduleTick.fire_at)).first()
    assert first is not None
    assert "every later time until" in str(first.detail)


def test_the_tick_leaves_its_beat(clean: Session) -> None:
    schedules.tick(clean, now=at(2))
    assert clean.scalar(text("SELECT count(*) FROM beats WHERE name = 'tick'")) == 1


def test_a_crash_between_deciding_and_committing_leaves_the_time_to_the_next_tick(clean: Session) -> None:
    schedule(clean, "daily", "0 2 * * *")
    assert len(schedules.tick(clean, now=at(2))) == 1
    clean.rollback()
    assert ticks(clean, "daily") == []
    assert len(schedules.tick(clean, now=at(2, 1))) == 1


def simulate(database: str, minutes: int, seed: int) -> None:
    """Three callers tick each simulated minute, some crash before their commit; every fire time is accounted for."""
    chance = random.Random(seed)
    engine = db.make_engine(database, size=4)
    with Session(engine) as session:
        session.execute(text("DELETE FROM schedules"))
        schedule(session, "every", "* * * * *", "analyze")
        schedule(session, "fifth", "*/5 * * * *", "cluster", coalesce=False, misfire_grace_seconds=600)
        schedule(session, "london", "30 1 * * *", "sync", timezone="Europe/London")
    now = START
    for _ in range(minutes):
        now += dt.timedelta(minutes=1)
        if chance.random() < 0.02:  # every scheduler is down for a while
            now += dt.timedelta(minutes=chance.randrange(1, 120))
        crashes = [chance.random() < 0.2 for _ in range(3)]

        def call(crash: bool, instant: dt.datetime = now) -> None:
            with Session(engine) as session:
                schedules.tick(session, now=instant)
                session.rollback() if crash else session.commit()

        threads = [threading.Thread(target=call, args=(crash,)) for crash in crashes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if chance.random() < 0.7:
            with Session(engine) as session:
                end_runs(session)
    with Session(engine) as session:
        schedules.tick(session, now=now)
        session.commit()
        for row in session.scalars(select(Schedule)):
            due = []
            for time in fire_times(row.cron, row.timezone, START):
                if time > now:
                    break
                due.append(time)
            decided = session.scalars(
                select(ScheduleTick.fire_at).where(ScheduleTick.schedule_id == row.id).order_by(ScheduleTick.fire_at)
            ).all()
            assert [time.astimezone(dt.UTC) for time in decided] == due, f"{row.id}: gaps or doubles"
        launched = session.scalars(select(ScheduleTick.run_id).where(ScheduleTick.outcome == "launched")).all()
        assert max(Counter(launched).values()) == 1
        runs = session.execute(
            text("SELECT count(*), count(DISTINCT (schedule_id, scheduled_for)) FROM job_runs")
        ).one()
        assert runs[0] == runs[1]
    engine.dispose()


def test_three_crashing_callers_over_simulated_minutes_neither_double_nor_lose_a_time(database: str) -> None:
    simulate(database, minutes=300, seed=7)


@pytest.mark.soak
def test_ten_thousand_simulated_minutes(database: str) -> None:
    simulate(database, minutes=10_000, seed=11)
