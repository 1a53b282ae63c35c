"""What people and machines do to tickets while somebody mirrors them. Everything happens at the clock's time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from tests.standins.zendesk import words
from tests.standins.zendesk.account import Account
from tests.standins.zendesk.generate import ADMIN, AGENTS
from tests.standins.zendesk.model import (
    DELETED,
    LIVE,
    REDACTION,
    SCRUBBED,
    SCRUBBED_WORD,
    Audit,
    Comment,
    Message,
    Ticket,
)
from tests.standins.zendesk.store import FIRST_USER

Which = Ticket | int
OPERATIONS = (
    "create", "comment", "message", "system_touch", "agent_update", "bulk_touch", "soft_delete", "undelete", "scrub",
    "purge", "merge", "redact", "make_private", "vanish", "archive",
)  # fmt: skip


class Operations:
    """`ops.comment(ticket, "text")`; `ops.perform({"op": "comment", "pick": 7})` is the same as data."""

    def __init__(self, account: Account) -> None:
        self._account, self._store = account, account.store
        self._lock: threading.RLock = account.store.lock

    def perform(self, operation: Mapping[str, Any]) -> Any:
        """Do `op` with the other keys as its arguments; `pick` n stands for the n-th live ticket, counted round.

        Nothing is done, and None returned, when `pick` finds no ticket. Raises ValueError for an unknown `op`.
        """
        given = dict(operation)
        name = given.pop("op")
        if name not in OPERATIONS:
            raise ValueError(f"no operation {name!r}: there are {', '.join(OPERATIONS)}")
        with self._lock:
            for key, target in (("pick", "ticket"), ("pick_into", "into")):
                if key in given:
                    found = self._pick(int(given.pop(key)), deleted=name in ("undelete", "scrub"))
                    if found is None:
                        return None
                    given[target] = found
            if name == "merge" and given["ticket"] is given["into"]:
                return None
            return getattr(self, name)(**given)

    def create(
        self, *, subject: str | None = None, body: str | None = None, comments: int = 1, requester: int | None = None,
        number: int | None = None, created_at: int | None = None, **columns: Any,
    ) -> Ticket:  # fmt: skip
        """A ticket whose first comment is its description; `columns` are attributes of `Ticket`."""
        with self._lock:
            now = self._now()
            chosen = self._store.new_ticket_id() if number is None else number
            person = FIRST_USER + 1000 if requester is None else requester
            known = self._store.users.get(person)
            values = {"brand_id": 41, "organization_id": known.organization_id if known else None, **columns}
            created = now if created_at is None else created_at
            ticket = Ticket(chosen, subject, created, now, now, person, **values)
            self._store.add_ticket(ticket)
            for index in range(comments):
                self._add(ticket, body if index == 0 else None, author=person, agent=False)
            if subject is None and "subject" not in columns and ticket.comments and ticket.channel != "chat":
                ticket.subject = words.subject(ticket.comments[0].id)
            return ticket

    def comment(
        self, ticket: Which, text: str | None = None, *, public: bool = True, agent: bool = True, count: int = 1,
        author: int | None = None, kind: str = "Comment",
    ) -> Comment:  # fmt: skip
        """Add `count` comments; the last one is returned."""
        with self._lock:
            found = self.ticket(ticket)
            who = author if author is not None else AGENTS[0] if agent else found.requester_id
            for _ in range(count):
                made = self._add(found, text, author=who, agent=agent, public=public, kind=kind)
            self._update(found)
            return made

    def message(self, ticket: Which, text: str, *, agent: bool = False) -> Message:
        """A line of the ticket's chat or messaging transcript."""
        with self._lock:
            found = self.ticket(ticket)
            who = AGENTS[0] if agent else found.requester_id
            made = Message(self._store.new_event_id(), who, self._now(), agent, text)
            found.messages = [*(found.messages or []), made]
            self._update(found)
            return made

    def system_touch(self, ticket: Which) -> None:
        """An automation, a bulk job or Zendesk itself: only generated_timestamp moves (reference 1.9)."""
        with self._lock:
            self._store.restamp(self.ticket(ticket), self._now())

    def bulk_touch(self, count: int | None = None) -> None:
        """The first `count` tickets (None: all) get one and the same generated_timestamp."""
        with self._lock:
            for one in sorted(self._store.tickets.values(), key=lambda one: one.id)[:count]:
                self._store.restamp(one, self._now())

    def agent_update(self, ticket: Which, **changes: Any) -> None:
        """Set attributes of `Ticket` (status, priority, tags, brand_id, custom, score, reopens ...)."""
        with self._lock:
            found = self.ticket(ticket)
            for name, value in changes.items():
                old = getattr(found, name)
                setattr(found, name, tuple(value) if isinstance(old, tuple) else value)
                if name not in ("custom", "overrides", "absent"):
                    self._record(found, change=(name, old, value))
            self._update(found)

    def soft_delete(self, ticket: Which) -> None:
        with self._lock:
            found = self.ticket(ticket)
            if found.state == LIVE:
                found.state, found.status_before, found.status = DELETED, found.status, "deleted"
                self._record(found, change=("status", found.status_before, "deleted"))
                self._update(found)

    def undelete(self, ticket: Which) -> None:
        """Possible until it is scrubbed."""
        with self._lock:
            found = self.ticket(ticket)
            if found.state == DELETED:
                found.state, found.status = LIVE, found.status_before or "open"
                self._update(found)

    def scrub(self, ticket: Which) -> None:
        """Deleted for good: its words are replaced, it can never come back."""
        with self._lock:
            found = self.ticket(ticket)
            self.soft_delete(found)
            found.state, found.subject, found.messages = SCRUBBED, SCRUBBED_WORD, None
            for comment in found.comments:
                comment.text = SCRUBBED_WORD
            self._update(found)

    def purge(self, ticket: Which) -> None:
        """Gone from every endpoint without an export row, as after a gap longer than the retention."""
        with self._lock:
            self._store.remove_ticket(self.ticket(ticket))

    def merge(self, ticket: Which, into: Which) -> None:
        """Close `ticket` into `into`, with the tag and the comments Zendesk leaves on both (reference 1.9)."""
        with self._lock:
            loser, winner = self.ticket(ticket), self.ticket(into)
            self._add(loser, f"This request was closed and merged into request #{winner.id}.", author=AGENTS[0],
                      agent=True, public=False)  # fmt: skip
            made = self._add(winner, f"Request #{loser.id} was closed and merged into this request.", author=AGENTS[0],
                             agent=True, public=False)  # fmt: skip
            made.merged = (loser.id,)
            loser.status, loser.merged_into = "closed", winner.id
            loser.tags = tuple(sorted({*loser.tags, "closed_by_merge"}))
            winner.merged_from = (*winner.merged_from, loser.id)
            self._update(loser)
            self._update(winner)

    def redact(self, ticket: Which, comment: int = 0, text: str | None = None) -> None:
        """Blacken `text` (None: everything) in the comment at that position."""
        with self._lock:
            found = self.ticket(ticket)
            if not found.comments:
                return
            one = found.comments[comment % len(found.comments)]
            original = one.body
            one.text = original.replace(text, REDACTION * len(text)) if text else REDACTION * 10
            for number in found.audits:
                if self._store.audits[number].comment is one:
                    self._store.audits[number].original = original
            self._mark(found, "CommentRedactionEvent", one)
            self._touch_quietly(found)

    def make_private(self, ticket: Which, comment: int = -1) -> None:
        """One way only: a public comment becomes a note."""
        with self._lock:
            found = self.ticket(ticket)
            if found.comments:
                one = found.comments[comment % len(found.comments)]
                one.public = False
                self._mark(found, "CommentPrivacyChange", one)
                self._touch_quietly(found)

    def vanish(self, ticket: Which, comment: int = -1) -> None:
        """A comment is no longer listed; the description stays."""
        with self._lock:
            found = self.ticket(ticket)
            if len(found.comments) > 1:
                gone = found.comments.pop(comment % (len(found.comments) - 1) + 1)
                for number in found.audits:
                    if self._store.audits[number].comment is gone:
                        self._store.audits[number].comment = None
                self._update(found)

    def archive(self, ticket: Which) -> None:
        """Out of the lists, still in the exports."""
        with self._lock:
            found = self.ticket(ticket)
            found.archived, found.status = True, "closed"
            self._store.restamp(found, self._now())

    def ticket(self, which: Which) -> Ticket:
        """Raises ValueError for an id nobody has."""
        if isinstance(which, Ticket):
            return which
        if which not in self._store.tickets:
            raise ValueError(f"no ticket {which}")
        return self._store.tickets[which]

    def _pick(self, place: int, *, deleted: bool) -> Ticket | None:
        wanted = DELETED if deleted else LIVE
        found = sorted(number for number, one in self._store.tickets.items() if one.state == wanted)
        return self._store.tickets[found[place % len(found)]] if found else None

    def _now(self) -> int:
        return self._account.clock.seconds()

    def _add(self, ticket: Ticket, text: str | None, *, author: int, agent: bool, **rest: Any) -> Comment:
        made = Comment(self._store.new_event_id(), author, self._now(), agent=agent, text=text, **rest)
        ticket.comments.append(made)
        self._record(ticket, comment=made)
        return made

    def _record(self, ticket: Ticket, **what: Any) -> None:
        author = what["comment"].author_id if what.get("comment") else ADMIN
        number = self._store.new_event_id()
        self._store.add_audit(Audit(number, ticket.id, self._now(), author, ticket.channel, **what))

    def _mark(self, ticket: Ticket, kind: str, comment: Comment) -> None:
        """The event of its own that says a comment is no longer what it was."""
        self._record(ticket, mark=(self._store.new_event_id(), kind, comment.id))

    def _update(self, ticket: Ticket) -> None:
        ticket.updated_at = self._now()
        self._store.restamp(ticket, self._now())

    def _touch_quietly(self, ticket: Ticket) -> None:
        if self._account.switches.redaction_moves_version:
            self._update(ticket)
