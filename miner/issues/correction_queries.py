"""What pages and the API read about corrections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, select
from sqlalchemy.orm import Session, aliased

from miner.models import Correction, Issue, Theme


@dataclass(frozen=True)
class CorrectionLine:
    """A correction with what is needed to read it; `theme_*` are names, None where there is none."""

    id: int
    issue_id: int
    summary: str
    kind: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    theme_before: str | None
    theme_after: str | None
    created_by: str
    created_at: dt.datetime
    undone_by: str | None
    undone_at: dt.datetime | None


def list_corrections(session: Session, ticket_id: int, *, limit: int = 100) -> list[CorrectionLine]:
    """Those of a ticket, the newest first, taken-back ones too."""
    old, new = aliased(Theme), aliased(Theme)
    rows = session.execute(
        select(
            Correction.id,
            Correction.issue_id,
            Issue.summary,
            Correction.kind,
            Correction.before,
            Correction.after,
            old.name.label("theme_before"),
            new.name.label("theme_after"),
            Correction.created_by,
            Correction.created_at,
            Correction.undone_by,
            Correction.undone_at,
        )
        .join(Issue, Issue.id == Correction.issue_id)
        .outerjoin(old, old.id == Correction.before["theme_id"].astext.cast(BigInteger))
        .outerjoin(new, new.id == Correction.after["theme_id"].astext.cast(BigInteger))
        .where(Correction.ticket_id == ticket_id)
        .order_by(Correction.id.desc())
        .limit(limit)
    )
    return [CorrectionLine(**row._mapping) for row in rows]


@dataclass(frozen=True)
class AsideLine:
    """An issue that was said to be none, with the correction that says so."""

    correction_id: int
    issue_id: int
    ticket_id: int
    summary: str
    created_by: str
    created_at: dt.datetime


def list_set_aside(session: Session, theme_id: int, *, limit: int = 20) -> list[AsideLine]:
    """The issues of a theme that somebody said are none, the newest first; those taken back are not among them."""
    rows = session.execute(
        select(
            Correction.id.label("correction_id"),
            Correction.issue_id,
            Correction.ticket_id,
            Issue.summary,
            Correction.created_by,
            Correction.created_at,
        )
        .join(Issue, Issue.id == Correction.issue_id)
        .where(Correction.kind == "not_an_issue", Correction.undone_at.is_(None), Issue.theme_id == theme_id)
        .order_by(Correction.id.desc())
        .limit(limit)
    )
    return [AsideLine(**row._mapping) for row in rows]
