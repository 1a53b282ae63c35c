"""One ticket at a time: the ticket, its comments, audits and conversation, and lists of tickets by id."""

from __future__ import annotations

from typing import Any

from tests.standins.zendesk.account import Account
from tests.standins.zendesk.clock import iso
from tests.standins.zendesk.http import Answer, Rejected, Request
from tests.standins.zendesk.model import DELETED, LIVE, Comment, Ticket
from tests.standins.zendesk.paging import MOST, page_of
from tests.standins.zendesk.shapes import sideload

DELETED_DAYS = 30


def show(account: Account, request: Request, ticket: str) -> Answer:
    found = account.ticket(int(ticket))
    row = account.shapes.ticket(found, exported=False)
    if "comment_count" in request.includes():
        row["comment_count"] = len(found.comments)
    return Answer(200, {"ticket": row} | sideload(account.store, account.shapes, request.includes(), [found]))


def show_many(account: Account, request: Request) -> Answer:
    """Unknown and deleted ids are left out."""
    numbers = ids(request)
    found = [account.store.tickets[number] for number in numbers if number in account.store.tickets]
    shown = [one for one in found if one.state == LIVE and (account.switches.show_many_archived or not one.archived)]
    rows = [account.shapes.ticket(one, exported=False) for one in shown]
    extra = sideload(account.store, account.shapes, request.includes(), shown)
    return Answer(200, {"tickets": rows, "next_page": None, "previous_page": None, "count": len(rows)} | extra)


def listing(account: Account, request: Request) -> Answer:
    """Neither deleted nor archived tickets are listed."""
    rows = [one for one in account.store.tickets.values() if one.state == LIVE and not one.archived]

    def shown(ticket: Ticket) -> dict[str, Any]:
        return account.shapes.ticket(ticket, exported=False)

    page = page_of(request, rows, shown, name="tickets", base=account.shapes.base)
    return Answer(200, page, headers={"zendesk-ratelimit-tickets-index": "total=100; remaining=99; resets=41"})


def count(account: Account, request: Request) -> Answer:
    number = sum(one.state == LIVE for one in account.store.tickets.values())
    return Answer(200, {"count": {"value": number, "refreshed_at": iso(account.clock.seconds())}})


def comments(account: Account, request: Request, ticket: str) -> Answer:
    """All comments, oldest first; the cursor form needs page[size] (reference 1.5)."""
    found = account.ticket(int(ticket))
    sort = request.query.get("sort", request.query.get("sort_order", "created_at"))
    if sort not in ("created_at", "-created_at", "asc", "desc"):
        raise Rejected(400, {"error": "InvalidPaginationParameter", "description": "sort is not valid"})
    rows = visible_comments(account, found)
    if sort in ("-created_at", "desc"):
        rows.reverse()
    data = page_of(
        request,
        rows,
        lambda one: account.shapes.comment(one, channel=found.channel),
        name="comments",
        base=account.shapes.base,
        cap=account.switches.comment_page_cap,
        clamp=account.switches.oversize_comment_page == "clamp",
        trailing_empty=account.switches.trailing_empty_comment_page,
    )
    if "users" in request.includes():
        people = dict.fromkeys(one["author_id"] for one in data["comments"])
        known = account.store.users
        data["users"] = [account.shapes.user(known[number]) for number in people if number in known]
    return Answer(200, data)


def comment_count(account: Account, request: Request, ticket: str) -> Answer:
    number = len(visible_comments(account, account.ticket(int(ticket))))
    return Answer(200, {"count": {"value": number, "refreshed_at": iso(account.clock.seconds())}})


def audits(account: Account, request: Request, ticket: str) -> Answer:
    """Updates of a ticket; a chat's transcript is in its ChatStartedEvent. Archived tickets do not page."""
    found = account.ticket(int(ticket))
    rows = [account.audit(account.store.audits[number]) for number in found.audits]
    if found.channel == "chat" and found.messages:
        rows.append(_chat_audit(found))
    if found.archived:
        return Answer(200, {"audits": rows, "next_page": None, "previous_page": None, "count": len(rows)})
    return Answer(200, page_of(request, rows, lambda one: one, name="audits", base=account.shapes.base))


def conversation_log(account: Account, request: Request, ticket: str) -> Answer:
    """Comments and messages of a ticket in the order of their time."""
    found = account.ticket(int(ticket))
    rows: list[tuple[int, int, Any]] = [
        (one.created_at, one.id, _comment_entry(account, one)) for one in found.comments if one.kind == "Comment"
    ]
    if found.channel != "chat":
        rows += [(one.created_at, one.id, account.shapes.message(one)) for one in found.messages or []]
    rows.sort(key=lambda row: row[:2])
    return Answer(200, page_of(request, rows, lambda row: row[2], name="events", base=account.shapes.base))


def deleted(account: Account, request: Request) -> Answer:
    """Deleted within thirty days and not yet scrubbed."""
    since = account.clock.now() - DELETED_DAYS * 86_400
    rows = [one for one in account.store.tickets.values() if one.state == DELETED and one.updated_at >= since]

    def shown(ticket: Ticket) -> dict[str, Any]:
        return {"id": ticket.id, "subject": ticket.subject, "deleted_at": iso(ticket.updated_at),
                "previous_state": ticket.status_before, "actor": {"id": 1, "name": "Ada Admin"}}  # fmt: skip

    return Answer(200, page_of(request, rows, shown, name="deleted_tickets", base=account.shapes.base))


def visible_comments(account: Account, ticket: Ticket) -> list[Comment]:
    rows = list(ticket.comments)
    if ticket.messages and account.switches.public_transcripts and rows:
        text = "\n".join(one.text for one in ticket.messages)
        first = ticket.messages[0]
        rows.append(Comment(first.id + 1_000_000_000, first.author_id, first.created_at, text=text))
    return rows


def ids(request: Request) -> list[int]:
    """The `ids` parameter; raises Rejected 400."""
    try:
        numbers = [int(one) for one in request.query.get("ids", "").split(",") if one]
    except ValueError:
        numbers = []
    if not numbers or len(numbers) > MOST:
        raise Rejected(400, {"error": "BadRequest", "description": f"ids must be 1 to {MOST} numbers"})
    return list(dict.fromkeys(numbers))


def _comment_entry(account: Account, comment: Comment) -> dict[str, Any]:
    return {
        "id": f"01C{comment.id}", "type": "Comment", "reference": f"zen:ticket_event:{comment.id}",
        "created_at": iso(comment.created_at), "attachments": [],
        "author": {"type": "agent" if comment.agent else "user", "zen:support:user_id": comment.author_id},
        "content": {"type": "text", "text": comment.body}, "metadata": {"public": comment.public},
    }  # fmt: skip


def _chat_audit(ticket: Ticket) -> dict[str, Any]:
    history = [
        {"type": "ChatMessage", "timestamp": one.created_at * 1000, "actor_id": one.author_id,
         "actor_type": "agent" if one.agent else "end-user", "actor_name": "Somebody", "message": one.text,
         "message_id": str(one.id), "chat_index": index}
        for index, one in enumerate(ticket.messages or [])
    ]  # fmt: skip
    number = (ticket.messages or [])[0].id + 500_000_000
    event = {"id": number + 1, "type": "ChatStartedEvent", "value": {"chat_id": f"c{number}", "history": history}}
    return {"id": number, "ticket_id": ticket.id, "created_at": iso(ticket.created_at),
            "author_id": ticket.requester_id, "via": {"channel": "chat_transcript", "source": {}},
            "metadata": {}, "events": [event]}  # fmt: skip
