"""Batches know what live reading knows: identical texts are asked about once, and articles are named by their place."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.issues.answer import HelpLink, TicketText
from miner.issues.batch_rows import list_queued, queue
from miner.issues.judge import Task
from miner.models import Analysis
from miner.runs.context import StepContext
from tests.factories import make_ticket
from tests.standins.claude.standin import StandIn
from tests.support.batches import in_batches, last_turn, times_billed, turn
from tests.support.reading import fill, issues

Steps = Callable[..., StepContext]


def test_identical_texts_are_in_one_request_and_all_get_its_answer(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session)
    fill(session, 6)
    for _ in range(5):
        make_ticket(session, text="Same\n\nThe same thing crashes.")
    session.commit()
    context = step("analyze")
    turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 11
    assert times_billed(claude)["Same"] == 1
    same = session.scalars(select(Analysis.same_as).where(Analysis.same_as.is_not(None))).all()
    assert len(same) == 4


def test_the_articles_that_a_ticket_was_shown_are_kept_with_its_request(session: Session) -> None:
    ticket = make_ticket(session)
    shown = (HelpLink("Export", "Reports", "https://help.example.com/1"),)
    task = Task((TicketText(ticket.id, ticket.text, articles=shown),))
    queue(session, [(task, 0)], {ticket.id: ticket.text_hash})
    (request,), tickets = list_queued(session)
    assert request.task.tickets[0].articles == shown
    assert tickets[ticket.id].text.articles == shown
