"""Tables made empty between two parts of a test, also those that only ever grow."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def empty(session: Session, *tables: str) -> None:
    """Truncate the tables and what refers to them; ids begin anew.

    Triggers rest meanwhile, since a log that is append-only refuses it.
    """
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"))
    session.execute(text("SET LOCAL session_replication_role = origin"))
