"""Rows with sensible defaults; each takes the columns a test cares about and flushes."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from miner.access import Actor, Role
from miner.models import Analysis, Backlog, Issue, JobRun, Theme, Ticket, TicketComment
from miner.tickets.text import TextRules

TESTER = Actor("code", "tester", Role.admin)
VIEWER = Actor("code", "viewer", Role.viewer)
NOON = dt.datetime(2026, 11, 16, 12, 0, tzinfo=dt.UTC)

_numbers = itertools.count(1)


def make_ticket(session: Session, **columns: Any) -> Ticket:
    """A ticket with one comment that covers its text from the first blank line on."""
    number = next(_numbers)
    subject = columns.get("subject", f"Export fails ({number})")
    text = columns.pop("text", f"{subject}\n\nThe export to CSV crashes every time I press the button.")
    created_at = columns.get("created_at", NOON)
    defaults: dict[str, Any] = {
        "source": "file:test",
        "source_id": str(number),
        "subject": text.split("\n")[0],
        "status": "open",
        "text": text,
        "text_hash": hashlib.sha256(text.encode()).hexdigest(),
        "text_rules": TextRules().mark,
        "created_at": created_at,
        "updated_at": created_at,
    }
    ticket = Ticket(**{**defaults, **columns})
    session.add(ticket)
    session.flush()
    start = text.find("\n\n") + 2 if "\n\n" in text else 0
    session.add(
        TicketComment(
            ticket_id=ticket.id,
            position=0,
            author_kind="customer",
            public=True,
            body=text[start:],
            created_at=created_at,
            text_start=start,
            text_end=len(text),
        )
    )
    session.flush()
    return ticket


def make_analysis(session: Session, ticket: Ticket, **columns: Any) -> Analysis:
    defaults: dict[str, Any] = {
        "ticket_id": ticket.id,
        "analyzer": "local",
        "model": "local-test",
        "settings_version": 1,
        "text_hash": ticket.text_hash,
        "outcome": "issues",
        "issue_count": 1,
    }
    analysis = Analysis(**{**defaults, **columns})
    session.add(analysis)
    session.flush()
    return analysis


def make_issue(session: Session, ticket: Ticket | None = None, **columns: Any) -> Issue:
    """An issue whose quote is a verified slice of its ticket's text."""
    ticket = ticket or make_ticket(session)
    analysis_id = columns.pop("analysis_id", None) or make_analysis(session, ticket).id
    start = ticket.text.find("\n\n") + 2 if "\n\n" in ticket.text else 0
    quote = columns.pop("quote", ticket.text[start : start + 60])
    defaults: dict[str, Any] = {
        "ticket_id": ticket.id,
        "analysis_id": analysis_id,
        "analyzer": "local",
        "type": "bug",
        "severity": "medium",
        "summary": ticket.subject,
        "quote": quote,
        "quote_start": start,
        "quote_end": start + len(quote),
        "quote_verified": True,
        "text_hash": ticket.text_hash,
        "occurred_at": ticket.created_at,
    }
    issue = Issue(**{**defaults, **columns})
    session.add(issue)
    session.flush()
    return issue


def make_theme(session: Session, **columns: Any) -> Theme:
    number = next(_numbers)
    theme = Theme(**{"name": f"Export fails {number}", "name_source": "terms", **columns})
    session.add(theme)
    session.flush()
    return theme


def make_run(session: Session, **columns: Any) -> JobRun:
    """A run row as it is (no keys, no steps); for pages and queries."""
    defaults: dict[str, Any] = {"job_name": "analyze", "trigger": "button", "triggered_by": "tester"}
    run = JobRun(**{**defaults, **columns})
    session.add(run)
    session.flush()
    return run


def make_backlog(session: Session, **columns: Any) -> Backlog:
    """7,000 tickets of file:test that nobody has answered for."""
    defaults: dict[str, Any] = {
        "reason": "first",
        "sources": ["file:test"],
        "edge_at": NOON,
        "edge_id": 1,
        "tickets": 7_000,
        "model": "claude-haiku-5-5",
        "low_usd": Decimal("0.854"),
        "high_usd": Decimal("3.1"),
        "low_seconds": 300,
        "high_seconds": 2_400,
    }
    backlog = Backlog(**{**defaults, **columns})
    session.add(backlog)
    session.flush()
    return backlog
