"""What is kept beside the issues goes with a ticket whose words are to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

_STATEMENTS = (
    # A verdict still counts; what it was about is no longer told.
    "UPDATE check_items SET shown = '{}' WHERE ticket_id = ANY(:ids)",
    "DELETE FROM trial_readings WHERE ticket_id = ANY(:ids)",
    "DELETE FROM reread_tickets WHERE ticket_id = ANY(:ids)",
    "DELETE FROM reread_issues USING issues WHERE issues.ticket_id = ANY(:ids) AND issue_id = issues.id",
)


def forget_words(session: Session, ticket_ids: Sequence[int], *, corrections: bool) -> None:
    """Forget what checks, trials and re-readings hold of these tickets, and their `corrections` too if asked for."""
    for statement in _STATEMENTS + (("DELETE FROM corrections WHERE ticket_id = ANY(:ids)",) if corrections else ()):
        session.execute(text(statement), {"ids": list(ticket_ids)})
