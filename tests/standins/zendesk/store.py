"""The account's rows and the orders the exports read them in."""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any

from tests.standins.zendesk.model import Audit, Organization, Ticket, User

FIRST_USER, FIRST_ORGANIZATION, FIRST_EVENT = 9_381_000_000_000, 9_770_000_000_000, 9_920_000_000_000
BRANDS = {41: ("Acme", "acme"), 42: ("Acme Labs", "acme-labs"), 43: ("Bolt", "bolt")}
GROUPS = {5510: "Support", 5511: "Billing"}
STATUSES = {9000: "new", 9001: "open", 9002: "pending", 9003: "hold", 9004: "solved"}


class Store:
    """Everything is kept in memory; `lock` is held for the whole of a request and for every operation."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """An account nobody has used yet."""
        self.tickets: dict[int, Ticket] = {}
        self.users: dict[int, User] = {}
        self.organizations: dict[int, Organization] = {}
        self.audits: dict[int, Audit] = {}
        self.by_version: list[tuple[int, int]] = []  # (generated_timestamp, ticket id)
        self.by_time: list[tuple[int, int]] = []  # (timestamp, audit id)
        self.articles: list[dict[str, Any]] = []  # of the public Help Center
        self._event = FIRST_EVENT
        self._ticket = 0

    def new_event_id(self) -> int:
        """Audits, comments and messages share one sequence."""
        self._event += 1
        return self._event

    def new_ticket_id(self) -> int:
        self._ticket += 1
        while self._ticket in self.tickets:
            self._ticket += 1
        return self._ticket

    def add_ticket(self, ticket: Ticket) -> None:
        self.tickets[ticket.id] = ticket
        insort(self.by_version, (ticket.generated, ticket.id))

    def add_audit(self, audit: Audit) -> None:
        self.audits[audit.id] = audit
        self.tickets[audit.ticket_id].audits.append(audit.id)
        insort(self.by_time, (audit.timestamp, audit.id))

    def restamp(self, ticket: Ticket, generated: int) -> None:
        """Give the ticket a new version: it moves to its new place in the export."""
        self._forget(self.by_version, (ticket.generated, ticket.id))
        ticket.generated = generated
        insort(self.by_version, (generated, ticket.id))

    def remove_ticket(self, ticket: Ticket) -> None:
        """Nothing of it is left, in no endpoint."""
        self._forget(self.by_version, (ticket.generated, ticket.id))
        for number in ticket.audits:
            self._forget(self.by_time, (self.audits.pop(number).timestamp, number))
        del self.tickets[ticket.id]

    def tickets_after(self, place: tuple[int, float], until: int) -> Iterator[Ticket]:
        """Tickets strictly after (generated_timestamp, id), up to and with the version `until`."""
        start = bisect_left(self.by_version, place)
        for position in range(start, len(self.by_version)):
            version, number = self.by_version[position]
            if version > until:
                return
            if (version, number) > place:
                yield self.tickets[number]

    def audits_from(self, start: int, until: int) -> Iterator[Audit]:
        """Updates at or after `start`, up to and with `until`."""
        for position in range(bisect_left(self.by_time, (start, 0)), len(self.by_time)):
            timestamp, number = self.by_time[position]
            if timestamp > until:
                return
            yield self.audits[number]

    @staticmethod
    def _forget(rows: list[tuple[int, int]], row: tuple[int, int]) -> None:
        position = bisect_left(rows, row)
        if rows[position : position + 1] == [row]:
            del rows[position]
