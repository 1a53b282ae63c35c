"""Which calls of the webhook were taken already: nobody wakes the sync by sending one again."""

from __future__ import annotations

import hashlib

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.tickets.webhook import WINDOW_SECONDS

# A timestamp may lie the window ahead and the window behind.
REMEMBERED_SECONDS = 2 * WINDOW_SECONDS + 60


def record_call(session: Session, *, signature: str, invocation: str | None) -> bool:
    """Remember a call whose signature fits; False when it was taken before, also under another invocation's id.

    The id is not signed: whoever copies a call can change it, but not the signature. Zendesk's own repetition may sign
    anew, but keeps the id.
    """
    keys = [f"{kind}:{_digest(value)}" for kind, value in (("s", signature), ("i", invocation)) if value]
    session.execute(
        text("DELETE FROM webhook_calls WHERE received_at < clock_timestamp() - make_interval(secs => :seconds)"),
        {"seconds": REMEMBERED_SECONDS},
    )
    statement = text(
        "INSERT INTO webhook_calls (key) SELECT unnest(CAST(:keys AS text[])) ON CONFLICT DO NOTHING RETURNING 1"
    )
    return len(session.execute(statement, {"keys": sorted(keys)}).all()) == len(keys)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
