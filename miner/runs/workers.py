"""Who is there: one row for each boot of a process that works or beats."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.version import VERSION


@dataclass(frozen=True)
class Identity:
    """One boot. Never the host name alone: a PaaS gives the same one to the next process."""

    kind: str
    threads: int | None = None
    id: UUID = field(default_factory=uuid4)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    version: str = VERSION


def record_beat(session: Session, identity: Identity) -> None:
    """Register the boot or renew its heartbeat."""
    session.execute(
        text("""
            INSERT INTO workers (id, kind, host, pid, version, threads)
            VALUES (:id, :kind, :host, :pid, :version, :threads)
            ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp()"""),
        {
            "id": identity.id,
            "kind": identity.kind,
            "host": identity.host,
            "pid": identity.pid,
            "version": identity.version,
            "threads": identity.threads,
        },
    )


def mark_stopping(session: Session, worker_id: UUID) -> None:
    session.execute(
        text("UPDATE workers SET stopping_at = coalesce(stopping_at, clock_timestamp()) WHERE id = :id"),
        {"id": worker_id},
    )


def mark_stopped(session: Session, worker_id: UUID) -> None:
    session.execute(
        text("""
            UPDATE workers SET stopped_at = clock_timestamp(), heartbeat_at = clock_timestamp(),
                stopping_at = coalesce(stopping_at, clock_timestamp()) WHERE id = :id"""),
        {"id": worker_id},
    )


def has_live_worker(session: Session, *, lease_seconds: float) -> bool:
    """Whether a worker has beaten within the lease (a minute at least) and was not told to stop."""
    return bool(
        session.scalar(
            text("""
                SELECT EXISTS (SELECT FROM workers WHERE kind = 'worker' AND stopping_at IS NULL
                    AND heartbeat_at > clock_timestamp() - make_interval(secs => :within))"""),
            {"within": max(60.0, lease_seconds)},
        )
    )
