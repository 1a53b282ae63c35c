from __future__ import annotations

from miner.issues.answer import TicketText
from miner.issues.known import KnownAnswer
from miner.issues.pending import PendingTicket
from miner.issues.sorting import sort_tickets
from tests.factories import NOON


def ticket(number: int, text: str) -> PendingTicket:
    return PendingTicket(TicketText(number, text, subject_end=len(text)), text, NOON, ())


def test_each_text_is_asked_about_once_and_what_is_known_or_skipped_not_at_all() -> None:
    waiting = [ticket(1, "crash"), ticket(2, "crash"), ticket(3, "slow"), ticket(4, "..."), ticket(5, "print")]
    known = {5: KnownAnswer(77, 9, "no_issue", "thanks", ())}
    found = sort_tickets(waiting, known=known, asked={"slow"})
    assert [one.id for one in found.to_read] == [1]
    assert [one.id for one in found.spared] == [4, 5]
    assert [(one.ticket_id, one.outcome) for one in found.readings] == [(4, "skipped"), (5, "no_issue")]
    assert found.same_as == {5: 77}
