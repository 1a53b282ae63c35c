"""One account is synced; what becomes of another is said by somebody, and nothing happens before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import db
from miner.errors import ConfigurationNeeded, NotFound, RunAlreadyActive, UsageError
from miner.issues.scope import Scope
from miner.models import Issue, JobRun, Ticket
from miner.runs import lifecycle, pipeline
from miner.runs.creation import create_run
from miner.runs.holds import Holds
from miner.runs.jobs import get_job
from miner.runs.workers import Identity, record_beat
from miner.tickets import queries
from miner.tickets.affected import list_affected
from miner.tickets.completeness import list_accounts
from miner.tickets.starting_over import clear_source, hide_source, keep_source, remove_source
from tests.factories import TESTER, make_issue
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import SOURCE, Run, config_for, differences, sync

OTHER = "zendesk:bolt"


def decide(session: Session, decision: Callable[..., int], source: str = SOURCE) -> int:
    count = decision(session, source, by=TESTER)
    session.commit()
    return count


def other(zendesk: StandIn) -> Any:
    return replace(config_for(zendesk), zendesk_subdomain="bolt")


def states(session: Session) -> list[tuple[str, str]]:
    session.rollback()
    return [(one.source, one.state) for one in list_accounts(session)]


def test_a_sync_of_another_account_waits_until_somebody_says_what_becomes_of_the_first(
    zendesk: StandIn, session: Session
) -> None:
    sync(zendesk, backfill_days=100)
    asked = len(zendesk.log)
    with pytest.raises(ConfigurationNeeded, match="`miner source keep zendesk:acme`, `hide` or `clear`"):
        sync(zendesk, config=other(zendesk), backfill_days=100)
    assert len(zendesk.log) == asked, "nobody was asked for anything"
    assert states(session) == [(SOURCE, "synced")]


@pytest.mark.parametrize(
    ("decision", "state", "counted"),
    [(keep_source, "kept", 39), (hide_source, "hidden", 0), (clear_source, "cleared", 0)],
)
def test_two_accounts_may_share_ticket_numbers_whatever_becomes_of_the_first(
    zendesk: StandIn, session: Session, decision: Callable[..., int], state: str, counted: int
) -> None:
    sync(zendesk, backfill_days=100)
    decide(session, decision)
    sync(zendesk, config=other(zendesk), backfill_days=100)
    assert states(session) == [(OTHER, "synced"), (SOURCE, state)]
    rows = session.execute(
        text("""
            SELECT source, count(*), count(zendesk_ticket_id), count(*) FILTER (WHERE deleted_at IS NULL)
            FROM tickets GROUP BY 1 ORDER BY 1""")
    )
    assert [tuple(row) for row in rows] == [(SOURCE, 40, 40, counted), (OTHER, 40, 40, 39)]


def test_the_first_account_goes_on_where_it_stood_when_it_is_synced_again(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    decide(session, hide_source)
    sync(zendesk, config=other(zendesk), backfill_days=100)
    zendesk.ops.create(comments=2)
    zendesk.settle()
    decide(session, keep_source, OTHER)
    pages = len(zendesk.log.of("tickets_cursor"))
    sync(zendesk)
    assert len(zendesk.log.of("tickets_cursor")) - pages <= 2, "only what changed since is fetched"
    assert differences(session, zendesk) == {}
    assert states(session) == [(SOURCE, "synced"), (OTHER, "kept")]


def test_hidden_tickets_leave_counts_pages_and_issues_and_come_back_with_them(
    zendesk: StandIn, session: Session
) -> None:
    sync(zendesk, backfill_days=100)
    ticket = session.scalars(select(Ticket).where(Ticket.deleted_at.is_(None))).first()
    assert ticket is not None
    issue = make_issue(session, ticket)
    retired = make_issue(session, ticket, retired_at=ticket.created_at, retired_reason="it was set aside")
    session.commit()
    live = queries.count_tickets(session).total
    assert decide(session, hide_source) == live
    assert queries.count_tickets(session).total == 0
    assert (queries.list_tickets(session), list_affected(session, scope=Scope()).rows) == ([], [])
    session.expire_all()
    with pytest.raises(NotFound):
        queries.get_ticket(session, ticket.id)
    assert issue.retired_reason is not None
    assert decide(session, keep_source) == live
    session.expire_all()
    assert (issue.retired_at, retired.retired_reason) == (None, "it was set aside")
    assert session.scalars(select(Issue.id).where(Issue.retired_at.is_(None))).all() == [issue.id]


def test_the_run_waits_for_configuration_with_a_sentence_and_goes_on_after_the_decision(
    zendesk: StandIn, session: Session
) -> None:
    sync(zendesk, backfill_days=100)
    with db.transaction() as writing:
        run_id, _ = create_run(writing, get_job("sync"), {"backfill_days": 100}, by=TESTER, trigger="code")
    identity = Identity("worker")
    with db.transaction() as writing:
        record_beat(writing, identity)

    def work() -> JobRun:
        pipeline.work(run_id, worker_id=identity.id, holds=Holds(), config=other(zendesk), lease_seconds=60)
        session.rollback()
        return session.get_one(JobRun, run_id, populate_existing=True)

    run = work()
    assert (run.state, run.wait_reason) == ("waiting", "configuration")
    assert "zendesk:acme are still here" in (run.wait_detail or "")
    decide(session, hide_source)
    assert work().state == "completed"
    assert states(session) == [(OTHER, "synced"), (SOURCE, "hidden")]


def test_a_waiting_sync_looks_again_as_soon_as_somebody_has_decided(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    run = Run(other(zendesk))
    claim = run.context.hold.claim
    with db.transaction() as writing:
        lifecycle.wait(writing, claim, "configuration", "say what becomes of it", delay_seconds=600)
    run.holds.drop(run.context.hold)
    decide(session, keep_source)
    due = session.scalar(text("SELECT run_after <= clock_timestamp() FROM job_runs WHERE id = :id"), {"id": run.id})
    assert due
    assert session.get_one(JobRun, run.id).rung_at is None


def test_nothing_is_decided_under_a_sync_that_works(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    Run(config_for(zendesk))
    for decision in (keep_source, hide_source, clear_source, remove_source):
        with pytest.raises(RunAlreadyActive):
            decide(session, decision)
        session.rollback()


def test_an_account_that_was_never_here_and_what_is_none_are_refused_by_name(session: Session) -> None:
    with pytest.raises(NotFound, match="zendesk:nobody"):
        decide(session, hide_source, "zendesk:nobody")
    with pytest.raises(UsageError, match="zendesk:<subdomain>"):
        decide(session, hide_source, "file:tickets.csv")
