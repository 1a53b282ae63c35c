"""Texts that were made by other rules than those in force are made again, from what is stored, before any is read.

So a changed setting, and a release with better rules, reach every ticket without a new sync, and no text leaves that
was made otherwise. A ticket whose text comes out the same keeps its readings.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from miner.issues.rewording import Rewording, reword_issues
from miner.logs import get_logger
from miner.runs.context import StepContext
from miner.tickets.people import list_names
from miner.tickets.text import TextRules, build_text

log = get_logger(__name__)

BATCH = 200


def rebuild_texts(context: StepContext) -> int:
    """Make all such texts again, a unit for each batch; returns how many came out different."""
    rules = context.settings.text_rules
    rebuilt = changed = 0
    while True:
        with context.reading() as session:
            if not (ids := list_outdated(session, rules)):
                break
        with context.unit() as unit:
            differing = rebuild_batch(unit.session, ids, rules=rules)
            unit.count(texts_rebuilt=differing)
        rebuilt, changed = rebuilt + len(ids), changed + differing
        context.say(f"Making texts again: {rebuilt:,} so far...")
    if rebuilt:
        log.info("texts_rebuilt", message=f"Made {rebuilt:,} texts again by the rules in force; {changed:,} changed")
    return changed


def list_outdated(session: Session, rules: TextRules) -> list[int]:
    """Ids of tickets whose text was made by other rules, at most a batch, by two looks into the index."""
    return list(
        session.scalars(
            text("""
                (SELECT id FROM tickets WHERE text_rules < :mark LIMIT :most)
                UNION ALL (SELECT id FROM tickets WHERE text_rules > :mark LIMIT :most) LIMIT :most"""),
            {"mark": rules.mark, "most": BATCH},
        )
    )


def count_outdated(session: Session, rules: TextRules) -> int:
    """How many tickets' texts were made by other rules."""
    found: int = session.execute(
        text("""
            SELECT (SELECT count(*) FROM tickets WHERE text_rules < :mark)
              + (SELECT count(*) FROM tickets WHERE text_rules > :mark)"""),
        {"mark": rules.mark},
    ).scalar_one()
    return found


def rebuild_batch(session: Session, ids: Sequence[int], *, rules: TextRules) -> int:
    """Make the texts of these tickets and the places of their messages again; returns how many texts changed.

    Locked in the order in which an import writes them, so that the two wait for each other instead of colliding.
    """
    tickets = session.execute(
        text("""
            SELECT id, source, source_id, subject, requester, raw ->> 'assignee_id' AS assignee,
                raw ->> 'submitter_id' AS submitter, text, text_hash, gone_reason
            FROM tickets WHERE id = ANY(:ids) ORDER BY source, source_id FOR NO KEY UPDATE"""),
        {"ids": list(ids)},
    ).all()
    comments: dict[int, list[Row[Any]]] = {ticket.id: [] for ticket in tickets}
    for row in session.execute(
        text("""
            SELECT ticket_id, position, author, public, body FROM ticket_comments
            WHERE ticket_id = ANY(:ids) ORDER BY ticket_id, position"""),
        {"ids": list(ids)},
    ):
        comments[row.ticket_id].append(row)
    names = _names(session, tickets, comments)
    texts, places = [], []
    made: dict[int, Rewording] = {}
    for ticket in tickets:
        messages = comments[ticket.id]
        entering = [(one.public or rules.private, one.body) for one in messages]
        redact = rules.redactor(names[ticket.id])
        # Where no message is stored, the text itself is all there is: it must not shrink to its subject.
        built = (
            build_text(ticket.subject, entering, redact) if messages else build_text("", [(True, ticket.text)], redact)
        )
        made[ticket.id] = Rewording(built, redact)
        texts.append({"id": ticket.id, "text": built.text, "text_hash": built.text_hash})
        for one, place in zip(messages, built.places[: len(messages)], strict=True):
            start, end = place if place and one.public else (None, None)
            places.append({"ticket_id": ticket.id, "position": one.position, "start": start, "end": end})
    session.execute(text(_STORE_TEXTS), {"rows": json.dumps(texts, ensure_ascii=False), "mark": rules.mark})
    session.execute(text(_STORE_PLACES), {"rows": json.dumps(places)})
    if rules.redact:
        reword_issues(session, made)
    return sum(row["text_hash"] != ticket.text_hash for row, ticket in zip(texts, tickets, strict=True))


def _names(session: Session, tickets: Sequence[Row[Any]], comments: dict[int, list[Row[Any]]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for source in {ticket.source for ticket in tickets}:
        mine = [ticket for ticket in tickets if ticket.source == source]
        keys = {
            str(ticket.id): {ticket.requester, ticket.assignee, ticket.submitter}
            | {one.author for one in comments[ticket.id]}
            for ticket in mine
        }
        found |= {int(key): names for key, names in list_names(session, source, keys).items()}
    return found


_STORE_TEXTS = """
    UPDATE tickets SET text = given.text, text_hash = given.text_hash, text_rules = :mark,
        analyzed_text_hash = CASE WHEN merged_into IS NULL THEN analyzed_text_hash
            WHEN analyzed_text_hash = tickets.text_hash THEN given.text_hash ELSE analyzed_text_hash END
    FROM json_to_recordset(CAST(:rows AS json)) AS given (id bigint, text text, text_hash text)
    WHERE tickets.id = given.id"""
_STORE_PLACES = """
    UPDATE ticket_comments SET text_start = given.start, text_end = given.end
    FROM json_to_recordset(CAST(:rows AS json)) AS given (ticket_id bigint, position int, start int, "end" int)
    WHERE ticket_comments.ticket_id = given.ticket_id AND ticket_comments.position = given.position
        AND (text_start, text_end) IS DISTINCT FROM (given.start, given.end)"""
