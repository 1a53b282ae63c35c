"""From valid credentials to first themes, against both stand-ins: time is theirs, so it is measured, not waited for."""

from __future__ import annotations

import time
from functools import partial

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from actors.enqueue import settle_backlog
from miner import db
from miner.config import Config
from miner.issues.backlog import FIRST_LOOK, list_backlogs
from miner.models import Analysis, Issue, JobRun, JobRunStep, Theme, Ticket
from miner.runs import pipeline
from miner.runs.creation import create_run
from miner.runs.holds import Holds
from miner.runs.jobs import get_job
from miner.runs.workers import Identity
from miner.tickets import sync
from tests.factories import TESTER
from tests.standins.claude.fixture import claude as claude
from tests.standins.claude.standin import StandIn as Claude
from tests.standins.zendesk.fixture import zendesk as zendesk
from tests.standins.zendesk.standin import StandIn as Zendesk
from tests.support.mirror import virtual_clock

SECONDS_A_CALL = 20.0  # how long Claude takes over five tickets, where it takes long
AT_ONCE = 8
ALLOWED = 15 * 60


@pytest.fixture
def account(zendesk: Zendesk, claude: Claude, database: str, monkeypatch: pytest.MonkeyPatch) -> Zendesk:
    """Credentials for both, the smallest plan's rate limit, and Zendesk's clock for whoever waits for it."""
    monkeypatch.setenv("ZENDESK_SUBDOMAIN", "acme")
    monkeypatch.setenv("ZENDESK_BASE_URL", zendesk.base_url)
    monkeypatch.setenv("ZENDESK_OAUTH_CLIENT_ID", zendesk.client_id)
    monkeypatch.setenv("ZENDESK_OAUTH_CLIENT_SECRET", zendesk.client_secret)
    monkeypatch.setattr(sync, "sync_account", partial(sync.sync_account, clock=virtual_clock(zendesk)))
    zendesk.limits.set(account=200)
    return zendesk


def run_pipeline(session: Session, zendesk: Zendesk, run_id: int | None = None) -> JobRun:
    """A pipeline from its row to its end; where it waits, Zendesk's clock moves on."""
    if run_id is None:
        with db.transaction() as opened:
            run_id, _ = create_run(opened, get_job("pipeline"), {}, by=TESTER, trigger="code")
    while True:
        identity = Identity("worker")
        pipeline.work(run_id, worker_id=identity.id, holds=Holds(), config=Config.from_environment(), lease_seconds=600)
        session.rollback()
        run = session.get_one(JobRun, run_id, populate_existing=True)
        if run.finished_at is not None:
            return run
        assert run.wait_reason in ("rate_limit", "retry"), run.wait_detail
        left = text("SELECT extract(epoch FROM run_after - clock_timestamp()) FROM job_runs WHERE id = :id")
        seconds = session.execute(left, {"id": run_id}).scalar_one()
        zendesk.clock.advance(max(0.0, float(seconds)))
        session.execute(text("UPDATE job_runs SET run_after = clock_timestamp()"))
        session.commit()


@pytest.mark.parametrize(
    "zendesk",
    [
        {"tickets": 600, "days": 30, "seed": 5},
        pytest.param({"tickets": 7_200, "days": 30, "seed": 5}, marks=pytest.mark.soak),
    ],
    indirect=True,
    ids=["20 a day", "240 a day"],
)
def test_the_newest_are_read_and_grouped_within_minutes_and_the_rest_is_asked_about(
    session: Session, account: Zendesk, claude: Claude
) -> None:
    began, clock = time.monotonic(), account.clock.now()
    run = run_pipeline(session, account)
    assert (run.state, run.error_message) == ("completed", None)
    states = session.scalars(
        select(JobRunStep.state).where(JobRunStep.run_id == run.id).order_by(JobRunStep.position)
    ).all()
    assert states[:3] == ["completed"] * 3  # trends have nothing to do where grouping has counted already

    total, read = session.execute(select(func.count(), func.count(Ticket.analyzed_at))).one()
    assert read == FIRST_LOOK < total
    newest = select(Ticket.id).where(Ticket.deleted_at.is_(None)).order_by(Ticket.created_at.desc(), Ticket.id.desc())
    assert set(session.scalars(newest.limit(FIRST_LOOK))) == set(session.scalars(select(Analysis.ticket_id)))
    assert session.scalars(select(func.count()).select_from(Theme)).one() > 0
    assert session.scalars(select(func.count()).where(Issue.theme_id.is_not(None))).one() > 0
    (asked,) = list_backlogs(session)
    assert asked.answer is None
    assert asked.tickets == session.scalar(
        select(func.count()).where(Ticket.deleted_at.is_(None), Ticket.analyzed_at.is_(None))
    )
    assert asked.high_usd is not None

    zendesk_seconds = account.clock.now() - clock
    claude_seconds = -(-len(claude.calls) // AT_ONCE) * SECONDS_A_CALL
    own_seconds = time.monotonic() - began
    minutes = (zendesk_seconds + claude_seconds + own_seconds) / 60
    print(
        f"\nfirst themes after {minutes:.1f} minutes: Zendesk {zendesk_seconds / 60:.1f} at 200 calls a minute "
        f"({total} tickets), Claude {claude_seconds / 60:.1f} ({len(claude.calls)} calls), own {own_seconds / 60:.1f}"
    )
    assert zendesk_seconds + claude_seconds < ALLOWED
    assert len(claude.calls) <= 1.3 * FIRST_LOOK / 5

    session.rollback()
    started = settle_backlog(asked.id, "read", by=TESTER, trigger="code")
    assert started is not None
    assert run_pipeline(session, account, started.run_id).state == "completed"
    unread = select(func.count()).where(Ticket.deleted_at.is_(None), Ticket.analyzed_at.is_(None))
    assert session.scalars(unread).one() == 0
    assert list_backlogs(session) == []
