"""What pages read about people's changes of themes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased

from miner.models import Issue, Theme, ThemeEdit


@dataclass(frozen=True)
class EditLine:
    """An edit with what is needed to read it: names of the themes, and the issue's summary, None where there is none.

    `moved` is how many issues a merge or a split moved; `before` and `name` are those of a renaming.
    """

    id: int
    kind: str
    theme_id: int | None
    theme_name: str | None
    other_id: int | None
    other_name: str | None
    left_id: int | None
    left_name: str | None
    issue_id: int | None
    summary: str | None
    ticket_id: int | None
    before: str | None
    name: str | None
    moved: int
    created_by: str
    created_at: dt.datetime
    undone_by: str | None
    undone_at: dt.datetime | None


def list_edits(
    session: Session, *, theme_id: int | None = None, before: int | None = None, limit: int = 50
) -> list[EditLine]:
    """What people changed, the latest first, undone ones too; of one theme or all. `before`: an edit's id."""
    theme, other, left = aliased(Theme), aliased(Theme), aliased(Theme)
    detail = ThemeEdit.detail
    moved = func.jsonb_array_length(func.coalesce(detail["moved"], literal([], JSONB)))
    query = (
        select(
            ThemeEdit.id,
            ThemeEdit.kind,
            ThemeEdit.theme_id,
            theme.name.label("theme_name"),
            ThemeEdit.other_id,
            other.name.label("other_name"),
            left.id.label("left_id"),
            left.name.label("left_name"),
            ThemeEdit.issue_id,
            Issue.summary,
            Issue.ticket_id,
            detail["before"]["name"].astext.label("before"),
            detail["name"].astext.label("name"),
            moved.label("moved"),
            ThemeEdit.created_by,
            ThemeEdit.created_at,
            ThemeEdit.undone_by,
            ThemeEdit.undone_at,
        )
        .outerjoin(theme, theme.id == ThemeEdit.theme_id)
        .outerjoin(other, other.id == ThemeEdit.other_id)
        .outerjoin(left, left.id == detail["before"]["theme_id"].astext.cast(BigInteger))
        .outerjoin(Issue, Issue.id == ThemeEdit.issue_id)
        .order_by(ThemeEdit.id.desc())
        .limit(limit)
    )
    if theme_id is not None:
        query = query.where(_touches(theme_id))
    if before is not None:
        query = query.where(ThemeEdit.id < before)
    return [EditLine(**row._mapping) for row in session.execute(query)]


def _touches(theme_id: int) -> ColumnElement[bool]:
    """The edits of a theme; those that took an issue away from it too."""
    left = ThemeEdit.detail["before"]["theme_id"].astext.cast(BigInteger)
    return or_(ThemeEdit.theme_id == theme_id, ThemeEdit.other_id == theme_id, left == theme_id)
