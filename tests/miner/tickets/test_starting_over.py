"""Three ways of starting over, each keeping what people did."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.errors import NotFound, Refused, RunAlreadyActive, UsageError
from miner.issues.reconcile import NOT_FOUND
from miner.models import AuditEntry, Issue, Ticket
from miner.tickets import starting_over
from tests.factories import TESTER, VIEWER, make_issue, make_theme, make_ticket
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import SOURCE, Run, config_for, differences, sync


def test_rebuilding_themes_keeps_those_that_people_touched(session: Session) -> None:
    plain, named, planned = (
        make_theme(session),
        make_theme(session, name_source="human"),
        make_theme(session, status="planned"),
    )
    pinned = make_theme(session)
    for theme in (plain, named, planned):
        make_issue(session, theme_id=theme.id)
    make_issue(session, theme_id=pinned.id, theme_pinned=True)
    session.commit()
    assert starting_over.rebuild_themes(session, by=TESTER) == 1
    session.expire_all()
    assert [theme.retired_at is None for theme in (plain, named, planned, pinned)] == [False, True, True, True]
    left = session.scalars(select(Issue.theme_id).order_by(Issue.id)).all()
    assert left == [None, named.id, planned.id, pinned.id]


def test_analysing_again_leaves_issues_and_corrections_alone(session: Session) -> None:
    ticket = make_ticket(session)
    ticket.analyzed_at, ticket.analyzed_text_hash = ticket.created_at, ticket.text_hash
    issue = make_issue(session, ticket, edited={"type": "bug"})
    session.commit()
    assert starting_over.analyze_again(session, by=TESTER) == 1
    session.expire_all()
    assert (ticket.analyzed_text_hash, issue.edited, issue.retired_at) == (None, {"type": "bug"}, None)


def test_clearing_forgets_every_word_and_corrections_return_by_ticket_id(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    ticket = session.scalars(select(Ticket).where(Ticket.deleted_at.is_(None)).order_by(Ticket.id)).first()
    assert ticket is not None
    theme = make_theme(session, name_source="human")
    corrected = make_issue(session, ticket, edited={"severity": "low"}, theme_id=theme.id, theme_pinned=True)
    other = make_issue(session, ticket)
    corrected_id, other_id, number = corrected.id, other.id, ticket.zendesk_ticket_id
    before = history(session)
    session.commit()
    assert starting_over.clear_source(session, SOURCE, by=TESTER) == 40
    session.commit()
    assert session.scalar(text("SELECT count(*) FROM tickets WHERE text <> '' OR deleted_at IS NULL")) == 0
    assert session.scalar(text("SELECT count(*) FROM ticket_comments")) == 0
    left = session.execute(text("SELECT id, retired_reason FROM issues ORDER BY id")).all()
    assert [tuple(row) for row in left] == [(corrected_id, NOT_FOUND), (other_id, NOT_FOUND)], "a reading finds them"
    assert history(session) >= before
    sync(zendesk)
    assert differences(session, zendesk) == {}, "what was fetched before is fetched again, however old"
    session.expire_all()
    again = session.get_one(Issue, corrected_id)
    assert session.get_one(Ticket, again.ticket_id).zendesk_ticket_id == number
    assert (again.theme_id, again.edited, theme.retired_at) == (theme.id, {"severity": "low"}, None)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "source.clear")).one()
    assert entry.after == {"tickets": 40}


def history(session: Session) -> set[tuple[str, int]]:
    """Runs and audit rows."""
    rows = session.execute(text("SELECT 'run', id FROM job_runs UNION ALL SELECT 'audit', id FROM audit_log"))
    return {(kind, number) for kind, number in rows}


def test_issues_of_a_cleared_ticket_come_back_with_their_ids_when_it_is_read_again(
    zendesk: StandIn, session: Session, step: Any
) -> None:
    sync(zendesk, backfill_days=100)
    read(step)
    before = issues(session)
    assert before
    starting_over.clear_source(session, SOURCE, by=TESTER)
    session.commit()
    assert issues(session) == {}
    sync(zendesk)
    read(step)
    assert issues(session) == before


def read(step: Any) -> None:
    from miner import db
    from miner.issues.analyze import run
    from miner.runs import lifecycle

    context = step("analyze", {"batch_size": 500})
    run(context)
    with db.transaction() as session:
        lifecycle.complete(session, context.hold.claim)


def issues(session: Session) -> dict[int, tuple[int, str]]:
    session.rollback()
    rows = session.execute(text("SELECT id, ticket_id, quote FROM issues WHERE retired_at IS NULL"))
    return {row.id: (row.ticket_id, row.quote) for row in rows}


def test_starting_over_waits_for_nobody_and_stops_nobody_at_work(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    Run(config_for(zendesk))
    with pytest.raises(RunAlreadyActive):
        starting_over.clear_source(session, SOURCE, by=TESTER)


def test_a_removed_account_leaves_nothing(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    starting_over.remove_source(session, SOURCE, by=TESTER)
    session.commit()
    for table in ("tickets", "ticket_comments", "customers", "sync_cursors", "due_conversations"):
        assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    with pytest.raises(NotFound):
        starting_over.remove_source(session, SOURCE, by=TESTER)


def test_only_an_admin_starts_over(session: Session) -> None:
    for act in (starting_over.rebuild_themes, starting_over.analyze_again):
        with pytest.raises(Refused):
            act(session, by=VIEWER)
    for act_on in (
        starting_over.clear_source,
        starting_over.keep_source,
        starting_over.hide_source,
        starting_over.remove_source,
        starting_over.purge_hidden,
    ):
        with pytest.raises(Refused):
            act_on(session, SOURCE, by=VIEWER)


def test_the_sample_is_no_account(session: Session) -> None:
    make_ticket(session, source="sample")
    with pytest.raises(UsageError, match="zendesk:<subdomain>"):
        starting_over.remove_source(session, "sample", by=TESTER)
