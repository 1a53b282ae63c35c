"""Reading the audit log: newest first, by who, what, which object and outcome. Each filter has its index."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from miner.models import AuditEntry


def list_entries(
    session: Session,
    *,
    actor: str = "",
    action: str = "",
    object_name: str = "",
    outcome: str = "",
    before: int | None = None,
    limit: int = 100,
) -> list[AuditEntry]:
    """At most `limit` entries older than the id `before`. `object_name` is a kind, or `kind id`; "" is any."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return list(session.scalars(_filtered(query, actor, action, object_name, outcome)))


def list_actions(session: Session) -> list[str]:
    """Every kind of act that was ever written, by name: a loose index scan, one step a kind."""
    found: list[str] = []
    last = ""
    while (
        action := session.scalar(
            select(AuditEntry.action).where(AuditEntry.action > last).order_by(AuditEntry.action).limit(1)
        )
    ) is not None:
        found.append(action)
        last = action
    return found


def as_row(entry: AuditEntry) -> dict[str, object]:
    """An entry as exports hold it."""
    names = ("id", "at", "actor_kind", "actor_name", "actor_id", "address", "action", "object_kind", "object_id")
    return {
        **{name: getattr(entry, name) for name in names},
        "outcome": entry.outcome,
        "before": entry.before,
        "after": entry.after,
        "request_id": entry.request_id,
    }


def _filtered(query: Select[AuditEntry], actor: str, action: str, object_name: str, outcome: str) -> Select[AuditEntry]:
    kind, _, object_id = object_name.partition(" ")
    for column, wanted in (
        (AuditEntry.actor_name, actor),
        (AuditEntry.action, action),
        (AuditEntry.object_kind, kind),
        (AuditEntry.object_id, object_id),
        (AuditEntry.outcome, outcome),
    ):
        if wanted:
            query = query.where(column == wanted)
    return query
