"""Tickets: the list, and one ticket with its quotes marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import read_query
from dashboard.http import View
from dashboard.listing import shared
from dashboard.lists import cut_tickets
from dashboard.marks import Piece, Quoted, cut_at_quotes
from dashboard.scopes import TicketQuery
from miner import settings
from miner.issues import queries as issues
from miner.issues.correction_queries import list_corrections
from miner.issues.scores import find_quality
from miner.models import Ticket, TicketComment
from miner.themes import queries as themes
from miner.tickets import queries as tickets
from miner.tickets.text import subject_end
from miner.tickets.title_rows import load_titles
from miner.tickets.titles import list_numbers

PAGE = 50
MOST_THEMES = 100  # that an issue can be moved to with the form, the biggest
# The fields of the form by which a passage is marked as an issue.
_MARK: dict[str, str] = dict.fromkeys(("passage", "type", "severity", "area", "summary"), "")


@dataclass(frozen=True)
class Message:
    """One message of the conversation, in pieces."""

    comment: TicketComment
    pieces: list[Piece]


def ticket_list(request: Request, session: Session) -> View:
    asked = read_query(request, TicketQuery)
    shown = {
        "found": cut_tickets(session, asked, PAGE),
        "has_customers": tickets.has_customers(session),
        "quality": find_quality(session),
    }
    return View("tickets/list.html", shared(request, session, asked, "tickets") | shown)


def ticket(request: Request, session: Session) -> View:
    return View("tickets/show.html", show(session, request.path_params["id"]))


def show(
    session: Session, ticket_id: int, *, typed: dict[str, str] | None = None, faults: dict[str, str] | None = None
) -> dict[str, Any]:
    """What the page of a ticket shows; `typed` and `faults` are of a mark that was refused."""
    one = tickets.get_ticket(session, ticket_id)
    _, current = settings.load(session)
    found = issues.list_issues_of_ticket(session, one.id)
    quotes = [
        Quoted(issue.id, issue.quote_start, issue.quote_end)
        for issue in found
        if issue.quote_verified
        and issue.text_hash == one.text_hash
        and issue.quote_start is not None
        and issue.quote_end is not None
    ]
    comments = tickets.list_comments(session, one.id)
    titles = load_titles(session, one.source, numbers=list_numbers(one.raw))
    return {
        "ticket": one,
        "subject": _subject(one, quotes),
        "messages": [Message(comment, _pieces(one, comment, quotes)) for comment in comments],
        "issues": found,
        "marked": {quote.issue_id for quote in quotes},
        "analyses": tickets.list_analyses(session, one.id),
        "customer": tickets.find_customer(session, one.customer_id),
        "own_status": titles.status(one.raw),
        "own_fields": titles.facts(one.raw, rules=current.text_rules),
        "corrections": list_corrections(session, one.id),
        "areas": list(dict.fromkeys([*current.areas, *current.components])),
        "themes": [(theme.id, theme.name) for theme in themes.list_themes(session, limit=MOST_THEMES)],
        "typed": _MARK | (typed or {}),
        "faults": _MARK | (faults or {}),
        "refused": bool(faults),
    }


def _subject(ticket: Ticket, quotes: list[Quoted]) -> list[Piece]:
    """The subject; the text begins with it, so a quote may stand there too."""
    return cut_at_quotes(ticket.text, 0, subject_end(ticket.subject, ticket.text), quotes)


def _pieces(ticket: Ticket, comment: TicketComment, quotes: list[Quoted]) -> list[Piece]:
    if comment.text_start is None or comment.text_end is None:
        return [Piece(comment.body)]
    return cut_at_quotes(ticket.text, comment.text_start, comment.text_end, quotes)
