"""Leases are renewed by who holds them; a bell that is not answered is rung again, ever later."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.runs import bells, lifecycle
from miner.runs.context import StepContext
from tests.factories import TESTER, make_run

Steps = Callable[..., StepContext]


def age(session: Session, seconds: float, rung: int = 0) -> None:
    session.execute(
        text("UPDATE job_runs SET rung_at = clock_timestamp() - make_interval(secs => :s), ring_count = :rung"),
        {"s": seconds, "rung": rung},
    )


def test_only_the_holder_with_its_token_renews_and_learns_of_a_cancel(step: Steps, session: Session) -> None:
    claim = step("trends").hold.claim
    mine = {claim.run_id: claim.token}
    assert bells.renew(session, claim.worker_id, mine) == {claim.run_id: False}
    assert bells.renew(session, uuid4(), mine) == {}
    assert bells.renew(session, claim.worker_id, {claim.run_id: claim.token + 1}) == {}
    lifecycle.request_cancel(session, claim.run_id, by=TESTER)
    assert bells.renew(session, claim.worker_id, mine) == {claim.run_id: True}


def test_a_lease_is_renewed_for_as_long_as_asked(step: Steps, session: Session) -> None:
    claim = step("trends").hold.claim
    bells.renew(session, claim.worker_id, {claim.run_id: claim.token}, lease_seconds=500)
    left = session.scalar(text("SELECT extract(epoch FROM lease_expires_at - clock_timestamp()) FROM job_runs"))
    assert 490 < float(left or 0) <= 500


def test_a_run_that_nobody_rang_is_due_at_once_and_counts_as_rung_then(session: Session) -> None:
    run = make_run(session, job_name="trends")
    assert bells.take_due_bells(session) == [(run.id, "trends")]
    assert bells.take_due_bells(session) == []
    bells.mark_not_rung(session, [run.id])
    assert bells.take_due_bells(session) == [(run.id, "trends")]


@pytest.mark.parametrize(
    ("rung", "seconds", "due"),
    [(0, 29, False), (0, 31, True), (1, 59, False), (1, 61, True), (9, 599, False), (9, 601, True)],
)
def test_the_pauses_between_bells_double_up_to_ten_minutes(
    session: Session, rung: int, seconds: float, due: bool
) -> None:
    make_run(session)
    session.execute(text("UPDATE job_runs SET run_after = clock_timestamp() - interval '1 day'"))
    age(session, seconds, rung)
    assert bool(bells.take_due_bells(session)) is due


def test_what_is_due_later_is_not_rung_and_what_came_due_since_its_bell_is(session: Session) -> None:
    run = make_run(session)
    session.execute(text("UPDATE job_runs SET run_after = clock_timestamp() + interval '1 hour', rung_at = NULL"))
    assert bells.take_due_bells(session) == []
    session.execute(
        text("UPDATE job_runs SET run_after = clock_timestamp(), rung_at = clock_timestamp() - interval '1 s'")
    )
    assert [run_id for run_id, _ in bells.take_due_bells(session)] == [run.id]


def test_bells_name_their_jobs_in_order(session: Session) -> None:
    one, two = make_run(session, job_name="sync"), make_run(session, job_name="trends")
    assert bells.job_names(session, [two.id, one.id, 10**9]) == [(one.id, "sync"), (two.id, "trends")]
