"""Three ways of starting over, each keeping what people did."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.errors import NotFound, Refused, UsageError
from miner.models import AuditEntry, Issue, Ticket
from miner.tickets import starting_over
from tests.factories import TESTER, VIEWER, make_issue, make_theme, make_ticket
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import SOURCE, differences, sync


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
    corrected, other = make_issue(session, ticket, edited={"severity": "low"}), make_issue(session, ticket)
    corrected_id, other_id, number = corrected.id, other.id, ticket.zendesk_ticket_id
    session.commit()
    assert starting_over.clear_source(session, SOURCE, by=TESTER) == 40
    session.commit()
    assert session.scalar(text("SELECT count(*) FROM tickets WHERE text <> '' OR deleted_at IS NULL")) == 0
    assert session.scalar(text("SELECT count(*) FROM ticket_comments")) == 0
    assert session.scalars(select(Issue.id)).all() == [corrected_id]
    sync(zendesk, backfill_days=100)
    assert differences(session, zendesk) == {}
    session.expire_all()
    again = session.get_one(Issue, corrected_id)
    assert session.get_one(Ticket, again.ticket_id).zendesk_ticket_id == number
    assert other_id != corrected_id
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "source.clear")).one()
    assert entry.after == {"tickets": 40}


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
    for act_on in (starting_over.clear_source, starting_over.keep_source, starting_over.remove_source):
        with pytest.raises(Refused):
            act_on(session, SOURCE, by=VIEWER)


def test_the_sample_is_no_account(session: Session) -> None:
    make_ticket(session, source="sample")
    with pytest.raises(UsageError, match="zendesk:<subdomain>"):
        starting_over.remove_source(session, "sample", by=TESTER)
