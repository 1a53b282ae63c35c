"""Storing what was read: analyses, issues reconciled with those that are there, and the tickets' marks.

A handful of statements for any number of tickets. A ticket that was changed or deleted while it was read is left alone;
it waits again, or is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from miner.issues.answer import Located, Reader, Reading
from miner.issues.pending import PendingTicket
from miner.issues.quotes import locate
from miner.issues.reconcile import NOT_FOUND, READ_AWAY, Known, reconcile
from miner.models import Analysis, Issue, Ticket


@dataclass(frozen=True, slots=True)
class Answer:
    """A ticket, the checked reading of it, and its findings with their places."""

    ticket: PendingTicket
    reading: Reading
    found: tuple[Located, ...]
    same_as: int | None = None  # the reading of an identical text whose answer it is


def record_answers(
    session: Session, answers: Sequence[Answer], *, analyzer: Reader, run_id: int, settings_version: int,
    question: str | None = None,
) -> list[Answer]:  # fmt: skip
    """Store `answers` to `question` and return those that were stored. The caller commits."""
    stored = _unchanged(session, answers)
    if not stored:
        return []
    analysis_of = _insert_analyses(session, stored, analyzer, run_id, settings_version, question)
    known = _known_issues(session, [answer.ticket.id for answer in stored])
    new: list[dict[str, Any]] = []
    seen_again: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    back: list[int] = []
    gone: list[int] = []
    for answer in stored:
        if answer.reading.outcome == "failed":
            continue  # nothing was learned about the issues that are there
        ticket = answer.ticket
        before = known.get(ticket.id, [])
        there = [_placed(issue, ticket) for issue in before]
        plan = reconcile(there, answer.found, text_hash=ticket.text_hash)
        mark = {"analysis_id": analysis_of[ticket.id], "analyzer": analyzer.name, "text_hash": ticket.text_hash}
        new += [{"ticket_id": ticket.id, **mark, **_columns(located, ticket)} for located in plan.new]
        seen_again += [
            {"id": issue.id, **mark, **_kept(issue, _columns(located, ticket))} for issue, located in plan.matched
        ]
        found_again = {issue.id for issue, _ in plan.matched}
        for old, issue in zip(before, there, strict=True):
            if issue.marked and issue.id not in found_again and issue.text_hash == ticket.text_hash:
                if issue != old:
                    moved.append({"id": issue.id, **_place(issue)})
                if issue.retired_reason:
                    back.append(issue.id)
        gone += [issue.id for issue in plan.gone]
    if new:
        session.execute(insert(Issue), new)
    if seen_again:
        session.execute(update(Issue), seen_again)
        back += [row["id"] for row in seen_again]
    if moved:
        session.execute(update(Issue), moved)
    if back:
        _revive(session, back)
    if gone:
        session.execute(
            update(Issue)
            .where(Issue.id.in_(gone))
            .values(retired_at=func.now(), retired_reason=NOT_FOUND, updated_at=func.now())
        )
    session.execute(
        update(Ticket)
        .where(Ticket.id.in_([answer.ticket.id for answer in stored]))
        .values(analyzed_at=func.now(), analyzed_text_hash=Ticket.text_hash)
    )
    return stored


def count_spared(answers: Sequence[Answer]) -> dict[str, int]:
    """Counters of `answers` that needed no call: skipped for their form, or identical to one that was read."""
    skipped = sum(answer.reading.outcome == "skipped" for answer in answers)
    identical = sum(answer.same_as is not None for answer in answers)
    return {name: count for name, count in (("skipped", skipped), ("identical", identical)) if count}


def _unchanged(session: Session, answers: Sequence[Answer]) -> list[Answer]:
    """The answers whose ticket still has the text that was read; their rows are locked until the end.

    Locked in the order in which an import writes them, so that the two wait for each other instead of colliding.
    """
    rows = session.execute(
        select(Ticket.id, Ticket.text_hash)
        .where(Ticket.id.in_([answer.ticket.id for answer in answers]), Ticket.deleted_at.is_(None))
        .order_by(Ticket.source, Ticket.source_id)
        .with_for_update(key_share=True)
    ).all()
    current = {row.id: row.text_hash for row in rows}
    return [answer for answer in answers if current.get(answer.ticket.id) == answer.ticket.text_hash]


def _insert_analyses(
    session: Session,
    answers: Sequence[Answer],
    analyzer: Reader,
    run_id: int,
    settings_version: int,
    question: str | None,
) -> dict[int, int]:
    """A row for every reading; returns {ticket id: analysis id}."""
    rows = session.execute(
        insert(Analysis).returning(Analysis.ticket_id, Analysis.id),
        [
            {
                "ticket_id": answer.ticket.id,
                "run_id": run_id,
                "analyzer": analyzer.name,
                "model": answer.reading.model or analyzer.model,
                "settings_version": settings_version,
                "text_hash": answer.ticket.text_hash,
                "question": question,
                "same_as": answer.same_as,
                "outcome": answer.reading.outcome,
                "reason": answer.reading.reason,
                "issue_count": len(answer.found),
                "input_tokens": answer.reading.usage.input_tokens,
                "output_tokens": answer.reading.usage.output_tokens,
                "cost_usd": answer.reading.usage.cost_usd,
            }
            for answer in answers
        ],
    )
    return {row.ticket_id: row.id for row in rows}


def _known_issues(session: Session, ticket_ids: Sequence[int]) -> dict[int, list[Known]]:
    known: dict[int, list[Known]] = {}
    for issue in session.scalars(select(Issue).where(Issue.ticket_id.in_(ticket_ids)).order_by(Issue.id)):
        known.setdefault(issue.ticket_id, []).append(
            Known(
                id=issue.id,
                type=issue.type,
                summary=issue.summary,
                quote=issue.quote,
                start=issue.quote_start,
                end=issue.quote_end,
                text_hash=issue.text_hash,
                retired_reason=issue.retired_reason,
                edited=tuple(issue.edited),
            )
        )
    session.expunge_all()  # the rows are changed by statements from here on
    return known


def _columns(located: Located, ticket: PendingTicket) -> dict[str, Any]:
    finding, (start, end) = located.finding, located.place or (None, None)
    return {
        "type": finding.type,
        "area": finding.area,
        "component": finding.component,
        "severity": finding.severity,
        "severity_phrase": finding.severity_phrase,
        "summary": finding.summary,
        "quote": finding.quote,
        "quote_start": start,
        "quote_end": end,
        "quote_verified": located.place is not None,
        "confidence": finding.confidence,
        "facts": dict(finding.facts),
        "occurred_at": ticket.time_of(located.place),
    }


_WITH = {"severity": "severity_phrase", "area": "component"}  # what means nothing without its neighbour
_QUOTE = ("quote", "quote_start", "quote_end", "quote_verified", "occurred_at")


def _kept(issue: Known, columns: dict[str, Any]) -> dict[str, Any]:
    """The columns that a reading may change: none that a person corrected, nor the words that a person marked."""
    edited = {*issue.edited, *(_WITH[name] for name in issue.edited if name in _WITH)}
    kept = {name: value for name, value in columns.items() if name not in edited}
    if not issue.marked:
        return kept
    return {name: value for name, value in kept.items() if name not in _QUOTE} | _place(issue)


def _placed(issue: Known, ticket: PendingTicket) -> Known:
    """An issue that a person marked, with the place of its words in the text that was read, if they stand there."""
    if not issue.marked or issue.text_hash == ticket.text_hash:
        return issue
    place = locate(issue.quote, ticket.text.text, hint=issue.start)
    if place is None:
        return issue
    quote = ticket.text.text[slice(*place)]
    return replace(issue, quote=quote, start=place[0], end=place[1], text_hash=ticket.text_hash)


def _place(issue: Known) -> dict[str, Any]:
    return {
        "quote": issue.quote,
        "quote_start": issue.start,
        "quote_end": issue.end,
        "text_hash": issue.text_hash,
    }


def _revive(session: Session, issue_ids: Sequence[int]) -> None:
    """What was retired only because a reading did not find it counts again."""
    session.execute(update(Issue).where(Issue.id.in_(issue_ids)).values(updated_at=func.now()))
    session.execute(
        update(Issue)
        .where(Issue.id.in_(issue_ids), Issue.retired_reason.in_(READ_AWAY))
        .values(retired_at=None, retired_reason=None)
    )
