"""Which of the waiting tickets are to be asked about, and which need no call (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from miner.issues.answer import Reading
from miner.issues.known import KnownAnswer
from miner.issues.pending import PendingTicket
from miner.issues.skips import skip_reason


@dataclass(frozen=True, slots=True)
class Sorted:
    """`readings` are those of `spared`, which need no call; `same_as`: by ticket, the reading whose answer it gets.

    What is in neither list waits: its text is being asked about, and the answer will be its own.
    """

    to_read: list[PendingTicket] = field(default_factory=list)
    spared: list[PendingTicket] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    same_as: dict[int, int] = field(default_factory=dict)


def sort_tickets(
    tickets: Sequence[PendingTicket], *, known: Mapping[int, KnownAnswer], asked: Collection[str]
) -> Sorted:
    """Sort `tickets`; `known` are answers by ticket, `asked` the hashes of texts that are being asked about."""
    found, busy = Sorted(), set(asked)
    for ticket in tickets:
        if reason := skip_reason(ticket.text):
            found.spared.append(ticket)
            found.readings.append(Reading(ticket.id, "skipped", reason))
        elif answer := known.get(ticket.id):
            found.spared.append(ticket)
            found.readings.append(answer.reading(ticket.id))
            found.same_as[ticket.id] = answer.analysis_id
        elif ticket.text_hash not in busy:
            busy.add(ticket.text_hash)
            found.to_read.append(ticket)
    return found
