"""What a perfect mirror must hold, as plain data."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tests.standins.zendesk.clock import iso
from tests.standins.zendesk.model import LIVE, Ticket
from tests.standins.zendesk.store import Store


def truth(store: Store, *, brands: Collection[int] | None = None) -> dict[int, dict[str, Any]]:
    """{ticket id: what is known of it}; a deleted or scrubbed ticket has no text and no comments.

    Tickets that were purged without a trace are not in it. Texts are the source's own, NUL and all. Call it after
    `settle()`: what changed within the last minute cannot be in a mirror yet.
    """
    with store.lock:
        chosen = [one for one in store.tickets.values() if brands is None or one.shown_brand in brands]
        return {one.id: ticket_truth(one) for one in chosen}


def ticket_truth(ticket: Ticket) -> dict[str, Any]:
    """Where its JSON differs from what it is (`overrides`), a mirror holds what its JSON says."""
    gone = ticket.state != LIVE
    known = {
        "id": ticket.id,
        "generated_timestamp": ticket.generated,
        "deleted": gone,
        "status": ticket.status,
        "subject": None if gone else ticket.subject,
        "description": None if gone else ticket.description,
        "priority": ticket.priority,
        "created_at": iso(ticket.created_at),
        "updated_at": iso(ticket.updated_at),
        "requester_id": ticket.requester_id,
        "organization_id": ticket.organization_id,
        "brand_id": ticket.brand_id,
        "tags": list(ticket.tags),
        "custom_fields": dict(ticket.custom),
        "satisfaction": ticket.score if ticket.score in ("good", "bad") else None,
        "reopens": ticket.reopens,
        "channel": ticket.channel,
        "ai_agent": ticket.ai_agent,
        "merged_into": ticket.merged_into,
        "merged_from": list(ticket.merged_from),
        "comments": [] if gone else [comment_truth(one) for one in ticket.comments],
        "messages": [] if gone else [{"id": one.id, "author_id": one.author_id, "text": one.text,
                                      "agent": one.agent} for one in ticket.messages or []],
    }  # fmt: skip
    words = ("subject", "description") if gone else ()
    return known | {key: value for key, value in ticket.shown.items() if key in known and key not in words}


def comment_truth(comment: Any) -> dict[str, Any]:
    return {"id": comment.id, "author_id": comment.author_id, "public": comment.public, "agent": comment.agent,
            "body": comment.body, "created_at": iso(comment.created_at), "kind": comment.kind}  # fmt: skip
