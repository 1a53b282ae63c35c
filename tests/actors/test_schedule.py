from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from actors.schedule import tick
from miner.models import Worker
from tests.actors.test_enqueue import bells


def test_the_beat_says_which_scheduler_sent_it_and_always_the_same(session: Session) -> None:
    first, second = tick.message(), tick.message()
    assert first.kwargs == second.kwargs
    assert set(first.kwargs) == {"boot", "host", "pid", "version"}


def test_the_tick_registers_the_scheduler_starts_what_is_due_and_rings_it(session: Session) -> None:
    session.execute(
        text("""
            UPDATE schedules SET cron = '* * * * *', evaluated_until = now() - interval '1 minute'
            WHERE id = 'hourly_trends'""")
    )
    session.commit()
    tick(**tick.message().kwargs)
    worker = session.query(Worker).one()
    assert (worker.kind, worker.threads) == ("scheduler", None)
    [(actor, [run_id])] = bells(session)
    assert actor == "trends"
    assert session.scalar(text("SELECT scheduled_for IS NOT NULL FROM job_runs WHERE id = :id"), {"id": run_id})
