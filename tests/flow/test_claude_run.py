"""Runs that Claude makes wait: what the row says, and that the same run goes on afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.config import Config
from miner.issues.pending import count_pending
from miner.models import JobRun
from miner.runs import pipeline
from miner.runs.creation import create_run
from miner.runs.holds import Holds
from miner.runs.jobs import get_job
from miner.runs.workers import Identity
from tests.factories import TESTER, make_ticket
from tests.standins.claude.fixture import claude as claude
from tests.standins.claude.standin import StandIn


def work(session: Session, run_id: int) -> JobRun:
    """Let a worker process with today's environment take the run."""
    identity = Identity("worker")
    pipeline.work(run_id, worker_id=identity.id, holds=Holds(), config=Config.from_environment(), lease_seconds=60)
    session.rollback()
    return session.get_one(JobRun, run_id, populate_existing=True)


@pytest.mark.parametrize(
    ("fault", "reason", "sentence", "seconds"),
    [
        ({"status": 429, "headers": {"retry-after": "77"}}, "rate_limit", "asks for a pause", 77),
        ({"status": 401}, "configuration", "set ANTHROPIC_API_KEY", 600),
        ({"status": 429, "code": "enforced_spend_limit_reached"}, "budget", "Claude Console", 3_600),
    ],
)
def test_the_run_waits_with_a_sentence_costs_no_attempt_and_goes_on(
    session: Session, claude: StandIn, fault: dict[str, Any], reason: str, sentence: str, seconds: int
) -> None:
    for _ in range(7):
        make_ticket(session)
    session.commit()
    with db.transaction() as opened:
        run_id, _ = create_run(opened, get_job("analyze"), {}, by=TESTER, trigger="code")
    claude.fail(**fault, when=lambda body: len(claude.calls) > 0)
    run = work(session, run_id)
    assert (run.state, run.wait_reason, run.attempt) == ("waiting", reason, 1)
    assert sentence in str(run.wait_detail)
    due = session.execute(
        text("SELECT extract(epoch FROM run_after - clock_timestamp()) FROM job_runs WHERE id = :id"), {"id": run_id}
    ).scalar_one()
    assert seconds - 30 < due <= seconds
    assert count_pending(session) == 2
    asked = len(claude.calls)
    work(session, run_id)
    assert len(claude.calls) == asked  # it is not due yet
    session.execute(text("UPDATE job_runs SET run_after = clock_timestamp()"))
    session.commit()
    run = work(session, run_id)
    assert (run.state, run.attempt) == ("completed", 1)
    assert run.counters["tickets"] == 7
    assert count_pending(session) == 0
