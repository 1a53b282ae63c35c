"""Keys: what a run needs for itself alone. Taken with the run's row, freed in the transaction that ends it.

A run that waits for a batch, for money or for a person keeps only the key of the step it waits in, and takes the others
again, one at a time, before the steps that need them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from miner.errors import KeyHeld, RunAlreadyActive


def take_all(session: Session, run_id: int, keys: Sequence[str]) -> None:
    """Insert the keys in key order (so that two triggers cannot deadlock) or raise RunAlreadyActive."""
    for key in sorted(keys):
        if holder := _take(session, run_id, key):
            raise RunAlreadyActive(holder.id, holder.job_name, holder.state)


def take_again(session: Session, run_id: int, key: str) -> None:
    """Hold `key` from here on, as before or anew; raises KeyHeld while another run does."""
    holder = _take(session, run_id, key)
    if holder is not None and holder.id != run_id:
        raise KeyHeld(f"Run {holder.id} ({holder.job_name}) is at work on what comes next; it goes on after that")


def free_others(session: Session, run_id: int, kept: str) -> None:
    """The run holds no key but `kept`."""
    session.execute(
        text("DELETE FROM job_run_keys WHERE run_id = :run AND key <> :kept"), {"run": run_id, "kept": kept}
    )


def free_all(session: Session, run_id: int) -> None:
    session.execute(text("DELETE FROM job_run_keys WHERE run_id = :run_id"), {"run_id": run_id})


def refuse_during_work(session: Session, *keys: str) -> None:
    """Raise RunAlreadyActive while a run at work holds one of them, since it would write what it read before.

    A run that waits is held back until the caller's transaction has ended.
    """
    rows = session.execute(
        text("""
            SELECT run.id, run.job_name, run.state FROM job_run_keys JOIN job_runs AS run ON run.id = run_id
            WHERE key = ANY(:keys) ORDER BY run.id FOR UPDATE OF run"""),
        {"keys": list(keys)},
    ).all()
    for run in rows:
        if run.state == "running":
            raise RunAlreadyActive(run.id, run.job_name, run.state)


def _take(session: Session, run_id: int, key: str) -> Row[tuple[int, str, str]] | None:
    """Insert the key; returns its holder (id, job_name, state) if there is one already."""
    # An insert waits for another trigger's open transaction; the holder may end between insert and look.
    while not session.scalar(
        text("INSERT INTO job_run_keys VALUES (:key, :run) ON CONFLICT (key) DO NOTHING RETURNING run_id"),
        {"key": key, "run": run_id},
    ):
        holder: Row[tuple[int, str, str]] | None = session.execute(
            text("""
                SELECT run.id, run.job_name, run.state FROM job_run_keys JOIN job_runs AS run ON run.id = run_id
                WHERE key = :key"""),
            {"key": key},
        ).one_or_none()
        if holder is not None:
            return holder
    return None
