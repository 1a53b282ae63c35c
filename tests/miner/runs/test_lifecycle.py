from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from miner.errors import NotFound, Refused, RunLost
from miner.models import JobRun, JobRunAttempt, JobRunEvent, JobRunKey
from miner.runs import bells, lifecycle
from miner.runs.creation import create_run
from miner.runs.failures import RETRY_LONGEST_SECONDS, Failure, retry_delay
from miner.runs.jobs import get_job
from miner.runs.lifecycle import Claim
from miner.runs.steps import mark_begun
from miner.runs.workers import Identity, record_beat
from tests.factories import TESTER, VIEWER

WORKER = Identity("worker")


def queued(session: Session, job: str = "analyze", **more: object) -> int:
    run_id, _ = create_run(session, get_job(job), {}, by=TESTER, trigger="code", **more)  # type: ignore[arg-type]
    session.commit()
    return run_id


def running(session: Session, job: str = "analyze", *, lease_seconds: float = 60) -> Claim:
    claim = lifecycle.claim(session, queued(session, job), WORKER.id, lease_seconds=lease_seconds)
    session.commit()
    assert claim is not None
    return claim


def run_of(session: Session, run_id: int) -> JobRun:
    session.commit()
    return session.get_one(JobRun, run_id, populate_existing=True)


def attempts(session: Session, run_id: int) -> list[tuple[int, str | None]]:
    session.commit()
    rows = session.query(JobRunAttempt).filter_by(run_id=run_id).order_by(JobRunAttempt.lease_token)
    return [(row.attempt, row.outcome) for row in rows]


def test_a_claim_takes_a_queued_run_and_a_second_claim_gets_nothing(session: Session) -> None:
    run_id = queued(session)
    claim = lifecycle.claim(session, run_id, WORKER.id)
    assert claim is not None
    assert lifecycle.claim(session, run_id, Identity("worker").id) is None
    run = run_of(session, run_id)
    assert (run.state, run.attempt, run.lease_owner, run.lease_token) == ("running", 1, WORKER.id, claim.token)
    assert run.settings_version == 1


def test_a_delayed_run_is_not_claimed_before_its_time(session: Session) -> None:
    run_id = queued(session, delay_seconds=3600)
    assert lifecycle.claim(session, run_id, WORKER.id) is None


def test_completing_frees_the_keys_and_closes_the_attempt(session: Session) -> None:
    claim = running(session)
    lifecycle.complete(session, claim)
    run = run_of(session, claim.run_id)
    assert run.state == "completed"
    assert run.finished_at is not None
    assert session.query(JobRunKey).count() == 0
    assert attempts(session, claim.run_id) == [(1, "completed")]


def test_a_failure_keeps_its_sentence_class_and_fingerprint_without_secrets(session: Session) -> None:
    claim = running(session)
    failure = Failure("Broken", "no way at postgresql://me:hunter2@db/x", "File x, token=Bearer abc.def")
    lifecycle.fail(session, claim, failure)
    run = run_of(session, claim.run_id)
    assert (run.state, run.error_class) == ("failed", "Broken")
    assert "hunter2" not in str(run.error_message)
    attempt = session.query(JobRunAttempt).one()
    assert "abc.def" not in str(attempt.traceback)
    assert session.query(JobRunKey).count() == 0


def test_errors_that_differ_only_in_numbers_share_a_fingerprint() -> None:
    assert Failure("E", "page 7 of run 12").fingerprint == Failure("E", "page 8 of run 9").fingerprint
    assert Failure("E", "page 7").fingerprint != Failure("F", "page 7").fingerprint


def test_a_waiting_run_keeps_its_keys_and_goes_on_with_a_new_token(session: Session) -> None:
    claim = running(session)
    lifecycle.wait(session, claim, "released", "Given back")
    run = run_of(session, claim.run_id)
    assert (run.state, run.wait_reason, run.lease_owner) == ("waiting", "released", None)
    assert session.query(JobRunKey).count() == 1
    again = lifecycle.claim(session, claim.run_id, WORKER.id)
    assert again is not None
    assert again.token > claim.token
    assert again.attempt == 1, "only a retry costs an attempt"


def test_a_retry_costs_an_attempt_and_the_error_is_kept_with_its_attempt(session: Session) -> None:
    claim = running(session)
    lifecycle.wait(session, claim, "retry", "Tried again", failure=Failure("Busy", "busy"))
    assert run_of(session, claim.run_id).error_class == "Busy"
    again = lifecycle.claim(session, claim.run_id, WORKER.id)
    assert again is not None
    assert again.attempt == 2
    assert run_of(session, claim.run_id).error_class is None
    assert attempts(session, claim.run_id) == [(1, "failed"), (2, None)]


def test_the_first_holder_cannot_write_once_another_holds_the_run(session: Session) -> None:
    first = running(session, lease_seconds=0)
    lifecycle.reap(session, reaper="the test")
    second = lifecycle.claim(session, first.run_id, Identity("worker").id)
    session.commit()
    assert second is not None
    for write in (
        lambda: lifecycle.complete(session, first),
        lambda: lifecycle.fail(session, first, Failure("E", "e")),
        lambda: lifecycle.wait(session, first, "yield", "y"),
        lambda: lifecycle.cancel_held(session, first),
    ):
        with pytest.raises(RunLost):
            write()
        session.rollback()
    assert bells.renew(session, first.worker_id, {first.run_id: first.token}) == {}
    assert run_of(session, first.run_id).lease_token == second.token
    lifecycle.complete(session, second)
    assert run_of(session, first.run_id).state == "completed"


def test_a_lease_that_is_renewed_is_not_reaped(session: Session) -> None:
    claim = running(session, lease_seconds=0)
    assert bells.renew(session, WORKER.id, {claim.run_id: claim.token}, lease_seconds=60) == {claim.run_id: False}
    session.commit()
    assert lifecycle.reap(session, reaper="the test") == []


def test_renewing_tells_that_a_cancel_was_asked_for(session: Session) -> None:
    claim = running(session)
    assert lifecycle.request_cancel(session, claim.run_id, by=TESTER) == "running"
    assert bells.renew(session, WORKER.id, {claim.run_id: claim.token}) == {claim.run_id: True}


def test_a_lost_worker_is_rescued_twice_and_then_the_run_crashes(session: Session) -> None:
    record_beat(session, WORKER)
    claim = running(session, lease_seconds=0)
    states = []
    for _ in range(3):
        assert lifecycle.reap(session, reaper="the test") == [claim.run_id]
        states.append(run_of(session, claim.run_id).state)
        lifecycle.claim(session, claim.run_id, WORKER.id, lease_seconds=0)
        session.commit()
    assert states == ["waiting", "waiting", "crashed"]
    run = run_of(session, claim.run_id)
    assert (run.error_class, run.rescue_count, run.attempt) == ("WorkerLost", 2, 1)
    assert session.query(JobRunKey).count() == 0
    story = [row.message for row in session.query(JobRunEvent).filter_by(name="run_rescued")]
    assert all(WORKER.host in line and "found by the test" in line for line in story)


def test_the_reaper_skips_a_row_that_a_finisher_has_locked(database: str, session: Session) -> None:
    from miner import db

    claim = running(session, lease_seconds=0)
    lifecycle.complete(session, claim)  # not committed: the row is locked
    with db.transaction() as other:
        assert lifecycle.reap(other, reaper="the test") == []
    session.commit()
    with db.transaction() as other:
        assert lifecycle.reap(other, reaper="the test") == []
    assert run_of(session, claim.run_id).state == "completed"


def test_a_finisher_that_comes_after_the_reaper_is_fenced_out(database: str, session: Session) -> None:
    from miner import db

    claim = running(session, lease_seconds=0)
    with db.transaction() as other:
        assert lifecycle.reap(other, reaper="the test") == [claim.run_id]
    with pytest.raises(RunLost):
        lifecycle.complete(session, claim)
    session.rollback()
    assert run_of(session, claim.run_id).state == "waiting"


def test_a_stopping_process_gives_back_what_it_holds_without_costing_an_attempt_or_a_rescue(session: Session) -> None:
    claim = running(session)
    assert lifecycle.release_all(session, Identity("worker").id, [claim.run_id]) == [], "another worker's run stays"
    assert lifecycle.release_all(session, WORKER.id, [claim.run_id]) == [claim.run_id]
    run = run_of(session, claim.run_id)
    assert (run.state, run.wait_reason, run.attempt, run.rescue_count) == ("waiting", "released", 1, 0)
    with pytest.raises(RunLost):
        lifecycle.complete(session, claim)


def test_cancelling_a_queued_or_waiting_run_ends_it_at_once(session: Session) -> None:
    first = queued(session)
    assert lifecycle.request_cancel(session, first, by=TESTER) == "cancelled"
    run = run_of(session, first)
    assert (run.state, run.cancel_requested_by) == ("cancelled", "code tester")
    claim = running(session)
    lifecycle.wait(session, claim, "retry", "later", failure=Failure("E", "e"), delay_seconds=60)
    session.commit()
    assert lifecycle.request_cancel(session, claim.run_id, by=TESTER) == "cancelled"
    assert session.query(JobRunKey).count() == 0


@pytest.mark.parametrize("leaving", ["retry", "paused", "reap", "release"])
def test_a_run_that_was_asked_to_stop_ends_whatever_makes_it_leave_its_worker(session: Session, leaving: str) -> None:
    claim = running(session, lease_seconds=0 if leaving == "reap" else 60)
    assert lifecycle.request_cancel(session, claim.run_id, by=TESTER) == "running"
    if leaving == "reap":
        lifecycle.reap(session, reaper="the test")
    elif leaving == "release":
        lifecycle.release_all(session, WORKER.id, [claim.run_id])
    else:
        failure = Failure("Busy", "busy") if leaving == "retry" else None
        lifecycle.wait(session, claim, leaving, "later", failure=failure)
    run = run_of(session, claim.run_id)
    assert (run.state, run.wait_reason, run.error_class) == ("cancelled", None, None)
    assert session.query(JobRunKey).count() == 0
    assert queued(session) != claim.run_id, "the key is free"


def test_a_run_that_is_to_stop_cannot_be_claimed_again(session: Session) -> None:
    run_id = queued(session)
    session.execute(text("UPDATE job_runs SET cancel_requested_at = now(), cancel_requested_by = 'x'"))
    assert lifecycle.claim(session, run_id, WORKER.id) is None


@pytest.mark.parametrize(("end", "state"), [("crash", "failed"), ("cancel", "cancelled")])
def test_no_final_run_keeps_a_step_that_says_running(session: Session, end: str, state: str) -> None:
    claim = running(session, lease_seconds=0)
    mark_begun(session, claim.run_id, 0, name="analyze", saying="Analyzing")
    if end == "cancel":
        lifecycle.request_cancel(session, claim.run_id, by=TESTER)
        lifecycle.cancel_held(session, claim)
    for _ in range(3):
        lifecycle.reap(session, reaper="the test")
        lifecycle.claim(session, claim.run_id, WORKER.id, lease_seconds=0)
        session.commit()
    assert session.scalars(text("SELECT state FROM job_run_steps")).all() == [state]


def test_texts_that_postgres_refuses_are_made_storable(session: Session) -> None:
    claim = running(session)
    lifecycle.fail(session, claim, Failure("E", "nul \x00 and \ud800", "trace \x00"))
    assert run_of(session, claim.run_id).error_message == "nul  and ?"


def test_working_time_adds_up_over_holders(session: Session) -> None:
    claim = running(session)
    session.execute(text("UPDATE job_runs SET claimed_at = claimed_at - interval '50 seconds'"))
    lifecycle.wait(session, claim, "yield", "others first")
    session.commit()
    again = lifecycle.claim(session, claim.run_id, WORKER.id)
    assert again is not None
    assert 50 <= again.worked_seconds < 60


def test_only_the_holder_renews_a_lease(session: Session) -> None:
    claim = running(session)
    assert bells.renew(session, Identity("worker").id, {claim.run_id: claim.token}) == {}


def test_cancelling_a_run_that_is_over_changes_nothing(session: Session) -> None:
    claim = running(session)
    lifecycle.complete(session, claim)
    session.commit()
    assert lifecycle.request_cancel(session, claim.run_id, by=TESTER) == "completed"
    assert run_of(session, claim.run_id).cancel_requested_at is None


def test_cancelling_what_does_not_exist_or_without_the_right_is_refused(session: Session) -> None:
    with pytest.raises(NotFound, match="no run 99"):
        lifecycle.request_cancel(session, 99, by=TESTER)
    with pytest.raises(Refused):
        lifecycle.request_cancel(session, queued(session), by=VIEWER)


def test_a_bell_that_is_not_answered_is_due_again_with_growing_pauses(session: Session) -> None:
    run_id = queued(session)
    assert bells.take_due_bells(session) == [], "the door rang it just now"

    def age(seconds: int) -> list[tuple[int, str]]:
        session.execute(
            text("""
                UPDATE job_runs SET rung_at = clock_timestamp() - make_interval(secs => :age),
                    run_after = clock_timestamp() - interval '1 day'"""),
            {"age": seconds},
        )
        return bells.take_due_bells(session)

    assert age(29) == []
    assert age(31) == [(run_id, "analyze")]
    assert age(31) == [], "the second pause is longer"
    assert age(61) == [(run_id, "analyze")]
    bells.mark_not_rung(session, [run_id])
    assert bells.take_due_bells(session) == [(run_id, "analyze")]


def test_a_waiting_run_rings_when_its_time_has_come_and_not_before(session: Session) -> None:
    claim = running(session)
    lifecycle.wait(session, claim, "retry", "later", failure=Failure("E", "e"), delay_seconds=3600)
    session.commit()
    assert bells.take_due_bells(session) == []
    session.execute(text("UPDATE job_runs SET run_after = clock_timestamp()"))
    assert bells.take_due_bells(session) == [(claim.run_id, "analyze")]


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ("completed", "state = 'running'"),
        ("completed", "state = 'failed', error_class = 'E', error_message = 'e'"),
        ("completed", "finished_at = now() + interval '1 hour'"),
        ("running", "lease_token = lease_token - 1"),
        ("running", "lease_owner = NULL"),
        ("running", "state = 'queued'"),
        ("running", "finished_at = now()"),
        ("running", "attempt = 99"),
        ("queued", "state = 'completed', finished_at = now()"),
        ("queued", "state = 'waiting', wait_reason = 'retry'"),
        ("queued", "wait_reason = 'retry'"),
        ("queued", "state = 'nonsense'"),
        ("queued", "state = 'cancelled', finished_at = now()"),
    ],
)
def test_the_database_refuses_every_row_that_would_lie(session: Session, before: str, change: str) -> None:
    claim = running(session) if before != "queued" else None
    run_id = claim.run_id if claim else queued(session)
    if claim and before == "completed":
        lifecycle.complete(session, claim)
        session.commit()
    with pytest.raises(DBAPIError):
        session.execute(text(f"UPDATE job_runs SET {change} WHERE id = :id"), {"id": run_id})


def test_a_final_run_cannot_keep_its_keys(session: Session) -> None:
    claim = running(session)
    session.execute(
        text("""
            UPDATE job_runs SET state = 'completed', finished_at = clock_timestamp(), lease_owner = NULL,
                lease_expires_at = NULL, claimed_at = NULL WHERE id = :id"""),
        {"id": claim.run_id},
    )
    with pytest.raises(DBAPIError, match="still holds keys"):
        session.commit()


def test_retry_delays_grow_with_full_jitter_and_respect_what_the_error_asked_for() -> None:
    assert [retry_delay(n, None, random_share=1.0) for n in (1, 2, 3)] == [15, 30, 60]
    assert retry_delay(50, None, random_share=1.0) == RETRY_LONGEST_SECONDS
    assert retry_delay(3, None, random_share=0.0) == 0
    assert 40 <= retry_delay(1, 40) <= 41
