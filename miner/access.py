"""Who acts, what they may do, and the row that says they did it.

Every function that changes something takes `by: Actor` and calls `audit()` in the same transaction as the change,
so that a change without its audit row, or the other way round, cannot exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy.orm import Session

from miner.errors import Refused
from miner.logs import redacted
from miner.models import AuditEntry


class Role(IntEnum):
    """What somebody may do; each role includes those below it."""

    viewer = 1
    operator = 2
    admin = 3


@dataclass(frozen=True)
class Actor:
    """Who acts. `kind` says how we know them, `name` is what pages show."""

    kind: str  # local, user, token, schedule, cli, code, webhook, system
    name: str
    role: Role
    address: str | None = None
    request_id: str | None = None
    user_id: int | None = None  # of a user, and of a token that a user made
    token_id: str | None = None

    @property
    def id(self) -> str | None:
        """Which token or user this is, since names are not unique."""
        return self.token_id or (None if self.user_id is None else str(self.user_id))

    def __str__(self) -> str:
        return self.name if self.kind in ("local", "user", "system") else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Identity:
    """Whom a password, a token or a session stands for; exactly one of the ids names who opened it."""

    name: str
    role: Role
    token_id: str | None = None
    user_id: int | None = None

    @property
    def kind(self) -> str:
        return "token" if self.token_id else "user"


SYSTEM = Actor("system", "system", Role.admin)
LOCAL = Actor("local", "local user", Role.admin)


def require(by: Actor, role: Role, what: str) -> None:
    """Raise Refused unless `by` has at least `role`."""
    if by.role < role:
        raise Refused(f"{by} may not {what}: it needs the role {role.name}")


def audit(
    session: Session,
    by: Actor,
    action: str,
    object_kind: str,
    object_id: object,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    outcome: str = "ok",
) -> None:
    """Add the audit row of `action` (noun.verb) to the caller's transaction; secrets in it are masked."""
    session.add(
        AuditEntry(
            actor_kind=by.kind,
            actor_name=by.name,
            actor_id=by.id,
            address=by.address,
            request_id=by.request_id,
            action=action,
            object_kind=object_kind,
            object_id=str(object_id),
            before=before and redacted(before),
            after=after and redacted(after),
            outcome=outcome,
        )
    )
