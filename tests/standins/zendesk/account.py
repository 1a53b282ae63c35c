"""What the routes work on: the rows, their shapes, the clock and the switches, together."""

from __future__ import annotations

from typing import Any

from tests.standins.zendesk.clock import Clock, iso
from tests.standins.zendesk.http import Rejected
from tests.standins.zendesk.model import LIVE, SCRUBBED, SCRUBBED_WORD, Audit, Comment, Ticket
from tests.standins.zendesk.oauth import OAuth
from tests.standins.zendesk.shapes import Shapes, comment_via, via
from tests.standins.zendesk.store import Store
from tests.standins.zendesk.switches import Switches


class Account:
    def __init__(self, store: Store, clock: Clock, switches: Switches, oauth: OAuth, base: str) -> None:
        self.store, self.clock, self.switches, self.oauth = store, clock, switches, oauth
        self.shapes = Shapes(base)

    def export_horizon(self) -> int:
        """The newest version the exports show."""
        return int(self.clock.now() - self.switches.export_delay - self.switches.index_lag)

    def ticket(self, number: int) -> Ticket:
        """A ticket that can be opened; raises Rejected 404 for the deleted, the scrubbed and the unknown."""
        found = self.store.tickets.get(number)
        if found is None or found.state != LIVE:
            raise Rejected(404, {"error": "RecordNotFound", "description": "Not found"})
        return found

    def event(self, audit: Audit, *, full: bool) -> dict[str, Any]:
        """An element of ticket_events."""
        ticket = self.store.tickets[audit.ticket_id]
        every = self.switches.via_string_every
        shown = audit.channel.title() if every and audit.id % every == 0 else via(audit.channel)
        return {
            "id": audit.id, "ticket_id": audit.ticket_id, "timestamp": audit.timestamp,
            "created_at": iso(audit.timestamp), "updater_id": audit.updater_id, "via": shown, "event_type": "Audit",
            "system": {"client": "Mozilla/5.0", "ip_address": f"203.0.113.{audit.id % 250}", "location": "Berlin"},
            "metadata": {}, "child_events": self._children(audit, ticket, full),
        }  # fmt: skip

    def audit(self, audit: Audit) -> dict[str, Any]:
        """An element of /tickets/{id}/audits."""
        ticket = self.store.tickets[audit.ticket_id]
        events = [self._comment_event(audit, audit.comment, ticket)] if audit.comment else []
        if audit.change:
            field, old, new = audit.change
            events.append({"id": audit.id + 1, "type": "Change", "field_name": field, "value": new,
                           "previous_value": old})  # fmt: skip
        if audit.mark:
            number, kind, comment = audit.mark
            events.append({"id": number, "type": kind, "comment_id": comment} | _privacy(kind))
        return {"id": audit.id, "ticket_id": ticket.id, "created_at": iso(audit.timestamp),
                "author_id": audit.updater_id, "via": via(audit.channel), "metadata": {"system": {}, "custom": {}},
                "events": events}  # fmt: skip

    def _children(self, audit: Audit, ticket: Ticket, full: bool) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if audit.change:
            field, old, new = audit.change
            found.append({"id": audit.id + 1, "via": "Web form", "via_reference_id": None, "event_type": "Change",
                          field: new, "previous_value": old})  # fmt: skip
        if audit.mark and self.switches.events_mark_changes:
            number, kind, marked = audit.mark
            found.append({"id": number, "via": "Web service", "via_reference_id": None, "event_type": kind,
                          "comment_id": marked} | _privacy(kind))  # fmt: skip
        comment = audit.comment
        if comment is None or (comment.kind != "Comment" and not self.switches.voice_in_events):
            return found
        if full:
            found.append(self._comment_event(audit, comment, ticket))
        else:
            found.append({"id": comment.id, "via": "Mail", "comment_present": True, "comment_public": comment.public,
                          "event_type": comment.kind, "via_reference_id": None})  # fmt: skip
        return found

    def _comment_event(self, audit: Audit, comment: Comment, ticket: Ticket) -> dict[str, Any]:
        row = self.shapes.comment(comment, channel=ticket.channel)
        if audit.original is not None and self.switches.events_keep_original:
            row |= {"body": audit.original, "html_body": audit.original, "plain_body": audit.original}
        if ticket.state == SCRUBBED:
            row |= {"body": SCRUBBED_WORD, "html_body": SCRUBBED_WORD, "plain_body": SCRUBBED_WORD}
        return row | {
            "event_type": comment.kind, "audit_id": audit.id, "via": comment_via(comment, ticket.channel),
            "via_reference_id": None, "comment_present": True, "comment_public": comment.public,
        }  # fmt: skip


def _privacy(kind: str) -> dict[str, Any]:
    return {"public": False} if kind == "CommentPrivacyChange" else {}
