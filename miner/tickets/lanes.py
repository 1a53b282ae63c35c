"""The lanes of a source: the live one, which never ends, and backfill windows, newest first.

A window's row goes when it is done, and the live lane remembers how far back everything is stored. Whatever run is
next goes on with what is left, so that no gap survives a lost run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

BIGGEST_PAGE = 1000
DAY = 86_400
# Yesterday is useful within a minute; the older a window, the longer it may be.
WINDOW_DAYS = (1, 6, 23, 30)


@dataclass(frozen=True, slots=True)
class Lane:
    """Where a walk stands. `cursor` None: it begins at `start_time`; `end_time` None: it never ends. Unix seconds."""

    name: str
    cursor: str | None
    start_time: int
    end_time: int | None
    page_size: int = BIGGEST_PAGE

    @property
    def is_live(self) -> bool:
        return self.end_time is None

    def smaller(self) -> Lane:
        return replace(self, page_size=max(1, self.page_size // 2))

    def bigger(self) -> Lane:
        return replace(self, page_size=min(BIGGEST_PAGE, self.page_size * 2))


def split_windows(start: int, end: int, *, most: int | None = None) -> list[tuple[int, int]]:
    """[start, end) as windows, newest first; at most `most` (1 or more), then the oldest holds the rest.

    Each window costs a call of its own, however little is in it: an account of three pages needs no eight windows.
    """
    found: list[tuple[int, int]] = []
    while start < end:
        last = most is not None and len(found) + 1 >= most
        begin = start if last else max(start, end - DAY * WINDOW_DAYS[min(len(found), len(WINDOW_DAYS) - 1)])
        found.append((begin, end))
        end = begin
    return found


def list_lanes(session: Session, source: str) -> list[Lane]:
    """The live lane first, then the windows that are not done, newest first."""
    rows = session.execute(
        text("""
            SELECT lane, cursor, coalesce(start_time, 0), end_time, page_size FROM sync_cursors
            WHERE source = :source AND lane <> 'events' ORDER BY end_time DESC NULLS FIRST, start_time DESC, lane"""),
        {"source": source},
    )
    return [Lane(*row) for row in rows]


def create_live(session: Session, source: str, *, start: int, brands: Sequence[int], run_id: int) -> None:
    """The live lane, from `start` on; one that is there stays."""
    session.execute(
        text("""
            INSERT INTO sync_cursors (source, lane, start_time, covered_from, brands, run_id)
            VALUES (:source, 'live', :start, :start, CAST(:brands AS bigint[]), :run) ON CONFLICT DO NOTHING"""),
        {"source": source, "start": start, "brands": list(brands) or None, "run": run_id},
    )


def create_windows(
    session: Session, source: str, *, start: int, end: int, run_id: int | None, most: int | None = None
) -> None:
    """Windows that cover [start, end), at most `most`; one that is there already goes on where it stands."""
    for begin, stop in split_windows(start, end, most=most):
        session.execute(
            text("""
                INSERT INTO sync_cursors (source, lane, start_time, end_time, run_id)
                VALUES (:source, :lane, :start, :end, :run) ON CONFLICT DO NOTHING"""),
            {"source": source, "lane": f"window {begin}-{stop}", "start": begin, "end": stop, "run": run_id},
        )


def save_lane(
    session: Session, source: str, lane: Lane, *, run_id: int, complete_through: dt.datetime | None = None
) -> None:
    """Move the lane, in the transaction of the rows it vouches for."""
    session.execute(
        text("""
            UPDATE sync_cursors SET cursor = :cursor, start_time = :start, page_size = :size, run_id = :run,
                complete_through = greatest(complete_through, :through), updated_at = now()
            WHERE source = :source AND lane = :lane"""),
        {
            "source": source,
            "lane": lane.name,
            "cursor": lane.cursor,
            "start": lane.start_time,
            "size": lane.page_size,
            "run": run_id,
            "through": complete_through,
        },
    )


def finish_window(session: Session, source: str, lane: Lane) -> None:
    """The window is done: its row goes, and what is covered without a gap reaches further back."""
    session.execute(
        text("DELETE FROM sync_cursors WHERE source = :source AND lane = :lane"), {"source": source, "lane": lane.name}
    )
    session.execute(
        text("""
            UPDATE sync_cursors SET covered_from = least(covered_from, :start)
            WHERE source = :source AND lane = 'live' AND covered_from <= :end"""),
        {"source": source, "start": window_start(lane), "end": lane.end_time},
    )


def replace_window(session: Session, source: str, lane: Lane, *, run_id: int) -> list[Lane]:
    """A window that holds more than was thought becomes several, so that the newest are walked first."""
    session.execute(
        text("DELETE FROM sync_cursors WHERE source = :source AND lane = :lane"), {"source": source, "lane": lane.name}
    )
    create_windows(session, source, start=window_start(lane), end=lane.end_time or 0, run_id=run_id)
    return list_lanes(session, source)


def window_start(lane: Lane) -> int:
    """Where the window began, whatever its walk did since: its name tells."""
    return int(lane.name.removeprefix("window ").split("-")[0])
