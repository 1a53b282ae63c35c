"""Taking a correction back: what counts then is the newest one of its kind that is left, else what was read."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import NotFound, UsageError
from miner.issues.correction_rows import find_standing, lock_issue, recount, set_columns
from miner.issues.reconcile import MARKED, NOT_AN_ISSUE, NOT_FOUND
from miner.models import Analysis, Correction, Issue, Theme


def undo_correction(session: Session, correction_id: int, *, by: Actor) -> Correction:
    """Take a correction back. The newest one of its kind that is left counts, else what was read.

    Raises NotFound, and UsageError when it was taken back already.
    """
    require(by, Role.operator, "undo corrections")
    found = session.get(Correction, correction_id)
    if found is None:
        raise NotFound("correction", correction_id)
    issue = lock_issue(session, found.issue_id)
    session.refresh(found)
    if found.undone_at is not None:
        raise UsageError(f"correction {correction_id} was undone already, by {found.undone_by}")
    found.undone_at, found.undone_by = func.now(), str(by)
    session.flush()
    theme = issue.theme_id
    if found.kind == "missed":
        _unmark(session, issue)
    else:
        left = find_standing(session, issue.id, found.kind)
        _put_back(session, issue, found, left)
    audit(session, by, "correction.undo", "issue", issue.id, before=found.after, after={"correction": correction_id})
    session.flush()
    if found.kind in ("theme", "not_an_issue", "missed"):
        recount(session, {theme, issue.theme_id})
    return found


def _put_back(session: Session, issue: Issue, undone: Correction, left: Correction | None) -> None:
    values = dict(left.after if left else undone.original)
    if undone.kind == "not_an_issue":
        if issue.retired_reason != NOT_AN_ISSUE:
            return  # it is gone for another reason, for example with its ticket
        values["retired_reason"] = NOT_FOUND if _was_not_found(session, issue) else None
    theme_id = values.get("theme_id")
    if theme_id is not None and session.scalar(select(Theme.retired_at).where(Theme.id == theme_id)) is not None:
        values["theme_id"] = None  # it lost its last issue meanwhile; the next grouping finds one
    set_columns(issue, values, *(() if undone.kind != "not_an_issue" else ("not_an_issue",)))
    if left is None and (MARKED not in issue.edited or undone.kind not in ("type", "area", "severity")):
        names = {*undone.original, undone.kind}
        issue.edited = {name: value for name, value in issue.edited.items() if name not in names}


def _unmark(session: Session, issue: Issue) -> None:
    """The mark goes, and with it the issue, unless a reading has found it as well."""
    standing = session.scalars(
        select(Correction).where(Correction.issue_id == issue.id, Correction.undone_at.is_(None))
    )
    kept = {name for correction in standing for name in correction.after}
    issue.edited = {name: value for name, value in issue.edited.items() if name not in _MARK or name in kept}
    if issue.analyzer == "person" and issue.retired_at is None:
        issue.retired_at, issue.retired_reason, issue.updated_at = func.now(), NOT_FOUND, func.now()


_MARK = (MARKED, "type", "area", "component", "severity", "severity_phrase", "summary")


def _was_not_found(session: Session, issue: Issue) -> bool:
    """Whether its ticket was read since the issue was last found, without finding it."""
    return (
        session.scalar(
            select(Analysis.id)
            .where(
                Analysis.ticket_id == issue.ticket_id,
                Analysis.id > issue.analysis_id,
                Analysis.outcome.in_(("issues", "no_issue")),
            )
            .limit(1)
        )
        is not None
        and MARKED not in issue.edited
    )
