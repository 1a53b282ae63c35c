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
