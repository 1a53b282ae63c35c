"""A bare Dramatiq actor on the same broker: what a run costs is measured against it."""

from __future__ import annotations

import dramatiq
from sqlalchemy import text

from actors.broker import QUEUE, broker
from miner.db import transaction


@dramatiq.actor(queue_name=QUEUE, broker=broker)
def bare(name: str) -> None:
    """Write one row, untracked."""
    with transaction() as session:
        session.execute(text("INSERT INTO beats (name) VALUES (:name)"), {"name": name})
