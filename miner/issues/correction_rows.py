"""The rows behind a correction: the issue, locked; the correction itself; the counts of the themes it touches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from miner import settings
from miner.access import Actor, audit
from miner.errors import NotFound
from miner.models import Correction, Issue, Ticket
from miner.themes.recount import recount_themes


def lock_issue(session: Session, issue_id: int) -> Issue:
    """The issue, its ticket locked as a reading locks it, so that the two wait for each other."""
    ticket_id = session.scalar(select(Issue.ticket_id).where(Issue.id == issue_id))
    if ticket_id is None:
        raise NotFound("issue", issue_id)
    session.execute(select(Ticket.id).where(Ticket.id == ticket_id).with_for_update(key_share=True))
    return session.get_one(Issue, issue_id, populate_existing=True)


def record_correction(
    session: Session, issue: Issue, kind: str, before: Mapping[str, Any], after: Mapping[str, Any], by: Actor
) -> int:
    earlier = find_standing(session, issue.id, kind)
    version, _ = settings.load(session)
    row = Correction(
        ticket_id=issue.ticket_id,
        issue_id=issue.id,
        kind=kind,
        before=dict(before),
        after=dict(after),
        original=dict(earlier.original if earlier else before),
        settings_version=version,
        created_by=str(by),
    )
    session.add(row)
    session.flush()
    audit(session, by, f"issue.{kind}", "issue", issue.id, before=dict(before), after=dict(after))
    return row.id


def find_standing(session: Session, issue_id: int, kind: str) -> Correction | None:
    """The newest correction of that kind that is not undone."""
    return session.scalars(
        select(Correction)
        .where(Correction.issue_id == issue_id, Correction.kind == kind, Correction.undone_at.is_(None))
        .order_by(Correction.id.desc())
        .limit(1)
    ).first()


def set_columns(issue: Issue, values: Mapping[str, Any], *marks: str) -> None:
    for name, value in values.items():
        setattr(issue, name, value)
    if "retired_reason" in values:
        issue.retired_at = None if values["retired_reason"] is None else func.now()
        values = {}
    issue.edited = {**issue.edited, **values, **dict.fromkeys(marks, True)}
    issue.updated_at = func.now()


def recount(session: Session, themes: Collection[int | None]) -> None:
    ids = [theme for theme in themes if theme is not None]
    if ids:
        session.flush()
        recount_themes(session, theme_ids=ids, zone=settings.load(session)[1].time_zone)
