"""The names of the people of an account: kept to be taken out of texts, and shown nowhere."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session


def store_people(session: Session, names: Mapping[str, str], source: str) -> None:
    """Keep names by user id; a person who is called otherwise now is known by the new name."""
    if not names:
        return
    session.execute(
        text("""
            INSERT INTO people (source, key, name)
            SELECT :source, key, value FROM json_each_text(CAST(:names AS json)) ORDER BY key
            ON CONFLICT (source, key) DO UPDATE SET name = excluded.name WHERE people.name <> excluded.name"""),
        {"source": source, "names": json.dumps(names, ensure_ascii=False)},
    )


def list_names(session: Session, source: str, keys: Mapping[str, Collection[str | None]]) -> dict[str, list[str]]:
    """For each ticket of `keys`, which gives its people's ids, the names that are known."""
    wanted = {key for people in keys.values() for key in people if key is not None}
    rows = session.execute(
        text("SELECT key, name FROM people WHERE source = :source AND key = ANY(:keys)"),
        {"source": source, "keys": sorted(wanted)},
    )
    known: dict[str, str] = {row.key: row.name for row in rows}
    return {ticket: [known[key] for key in people if key in known] for ticket, people in keys.items()}


def forget_strangers(session: Session, source: str) -> int:
    """Remove the names of people whom no ticket names any more; returns how many."""
    return len(
        session.scalars(
            text("""
                DELETE FROM people WHERE source = :source AND key IN (
                  SELECT key FROM people WHERE source = :source
                  EXCEPT SELECT requester FROM tickets WHERE source = :source
                  EXCEPT SELECT raw ->> 'assignee_id' FROM tickets WHERE source = :source
                  EXCEPT SELECT raw ->> 'submitter_id' FROM tickets WHERE source = :source
                  EXCEPT SELECT author FROM ticket_comments JOIN tickets ON tickets.id = ticket_id
                    WHERE source = :source)
                RETURNING key"""),
            {"source": source},
        ).all()
    )
