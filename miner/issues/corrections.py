"""What people say about issues: corrections that survive every later reading, each of which can be undone.

A correction sets columns of the issue and names them in `edited`, which readings respect (`record.py`). Its row
remembers who, when, before and after, and what was read before anybody corrected it, which is what an undo puts back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from miner import settings
from miner.access import Actor, Role, require
from miner.errors import InvalidArguments, NotFound, UsageError
from miner.issues.answer import LONGEST_QUOTE, LONGEST_SUMMARY, shorten
from miner.issues.correction_rows import lock_issue, record_correction, recount, set_columns
from miner.issues.quotes import locate
from miner.issues.reconcile import MARKED, NOT_AN_ISSUE
from miner.issues.taxonomy import SEVERITIES, TYPES
from miner.models import Analysis, Issue, Theme, Ticket, TicketComment

FIELDS = ("type", "area", "severity", "theme")


def correct_issue(session: Session, issue_id: int, *, given: Mapping[str, str | int | None], by: Actor) -> list[int]:
    """Correct what differs among `given`, {type, area, severity, theme: value}; returns the ids of the corrections.

    None is no area, and no theme. Raises NotFound, UsageError for an issue that no longer counts, InvalidArguments by
    field. A theme holds the issue from then on (`theme_pinned`).
    """
    require(by, Role.operator, "correct issues")
    issue = lock_issue(session, issue_id)
    if issue.retired_at is not None:
        raise UsageError(f"issue {issue_id} does not count any more: {issue.retired_reason}")
    made, themes = [], {issue.theme_id}
    for kind in FIELDS:
        if kind in given:
            after = _columns(session, issue, kind, given[kind])
            before = {name: getattr(issue, name) for name in after}
            if before != after and not (kind == "theme" and before["theme_id"] == after["theme_id"]):
                made.append(record_correction(session, issue, kind, before, after, by))
                set_columns(issue, after)
    themes.add(issue.theme_id)
    recount(session, themes)
    return made


def set_aside(session: Session, issue_id: int, *, by: Actor) -> int:
    """Say that it is no product issue: it leaves the counts, and no reading brings it back."""
    require(by, Role.operator, "set issues aside")
    issue = lock_issue(session, issue_id)
    if issue.retired_at is not None:
        raise UsageError(f"issue {issue_id} does not count any more: {issue.retired_reason}")
    after = {"retired_reason": NOT_AN_ISSUE}
    made = record_correction(session, issue, "not_an_issue", {"retired_reason": None}, after, by)
    set_columns(issue, after, "not_an_issue")
    recount(session, {issue.theme_id})
    return made


def mark_missed(
    session: Session,
    ticket_id: int,
    *,
    passage: str,
    type_: str,
    severity: str = "medium",
    area: str | None = None,
    summary: str = "",
    by: Actor,
) -> int:
    """Mark `passage`, words of the ticket, as an issue that the readings missed; returns the correction's id.

    It has a verified quote like every other issue, and no reading retires it. Raises NotFound, UsageError for a ticket
    that was not read yet, InvalidArguments by field.
    """
    require(by, Role.operator, "mark issues")
    ticket = session.get(Ticket, ticket_id, with_for_update={"key_share": True})
    if ticket is None or ticket.deleted_at is not None:
        raise NotFound("ticket", ticket_id)
    analysis = session.scalars(
        select(Analysis).where(Analysis.ticket_id == ticket_id).order_by(Analysis.id.desc()).limit(1)
    ).first()
    if analysis is None:
        raise UsageError(f"ticket {ticket_id} was not read yet, so nothing was missed in it")
    quote, place = _find_passage(ticket, passage)
    _check_choice("type", type_, TYPES)
    _check_choice("severity", severity, SEVERITIES)
    after: dict[str, Any] = {
        "type": type_,
        "area": _checked_area(session, area),
        "component": None,
        "severity": severity,
        "severity_phrase": quote[:LONGEST_SUMMARY] if severity != "medium" else None,
        "summary": shorten(summary or quote),
    }
    issue = Issue(
        ticket_id=ticket_id,
        analysis_id=analysis.id,
        analyzer="person",
        quote=quote,
        quote_start=place[0],
        quote_end=place[1],
        quote_verified=True,
        text_hash=ticket.text_hash,
        occurred_at=_time_of(session, ticket, place),
        edited={**after, MARKED: True},
        **after,
    )
    session.add(issue)
    session.flush()
    return record_correction(session, issue, "missed", {}, {**after, "quote": quote}, by)


def _columns(session: Session, issue: Issue, kind: str, value: str | int | None) -> dict[str, Any]:
    """The columns that a correction sets; a severity without words rests on the quote."""
    if kind == "type":
        return {"type": issue.type if value == issue.type else _check_choice("type", value, TYPES)}
    if kind == "area":
        area = _checked_area(session, value, known=issue.area)
        return {"area": area, "component": issue.component if area == issue.area else None}
    if kind == "severity":
        severity = _check_choice("severity", value, SEVERITIES)
        phrase = issue.severity_phrase or issue.quote[:LONGEST_SUMMARY]
        return {
            "severity": severity,
            "severity_phrase": issue.severity_phrase if severity == issue.severity else phrase,
        }
    if value is not None and not _is_live_theme(session, value):
        raise InvalidArguments({"theme": f"there is no theme {value} that counts"})
    return {"theme_id": value, "theme_pinned": True}


def _check_choice(name: str, value: object, known: Mapping[str, str]) -> str:
    if value not in known:
        raise InvalidArguments({name: f"choose one of {', '.join(known)}"})
    return str(value)


def _checked_area(session: Session, value: object, known: str | None = None) -> str | None:
    if value in (None, "") or value == known:
        return None if value in (None, "") else str(value)
    _, current = settings.load(session)
    names = list(dict.fromkeys([*current.areas, *current.components]))
    if value not in names:
        raise InvalidArguments({"area": f"choose one of the settings: {', '.join(names) or 'there is none yet'}"})
    return str(value)


def _is_live_theme(session: Session, value: object) -> bool:
    return session.scalar(select(Theme.id).where(Theme.id == value, Theme.retired_at.is_(None))) is not None


def _find_passage(ticket: Ticket, passage: str) -> tuple[str, tuple[int, int]]:
    place = locate(passage, ticket.text)
    if place is None or place[1] - place[0] > LONGEST_QUOTE:
        raise InvalidArguments(
            {"passage": f"copy one passage of the ticket, word for word and of at most {LONGEST_QUOTE:,} characters"}
        )
    return ticket.text[slice(*place)], place


def _time_of(session: Session, ticket: Ticket, place: tuple[int, int]) -> dt.datetime:
    written = session.scalar(
        select(TicketComment.created_at).where(
            TicketComment.ticket_id == ticket.id,
            TicketComment.text_start <= place[0],
            TicketComment.text_end > place[0],
        )
    )
    return written or ticket.created_at
