"""What pages and the API read of how themes are followed up: status, owner, tracker links, and who said what when.

A merged theme's links and log lead to the theme that took it over, and come back with it when the merge is undone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import CTE, select
from sqlalchemy.orm import Session, aliased

from miner.errors import NotFound
from miner.models import Theme, ThemeLink, ThemeLogLine

LINES = 200  # how much of a log is shown


@dataclass(frozen=True)
class Link:
    """An item of a tracker; `label` is its title, else what its address ends with."""

    id: int
    url: str
    title: str | None

    @property
    def label(self) -> str:
        return self.title or self.url.removeprefix("https://")


class Following(NamedTuple):
    """How a theme is followed up; `owner` None: nobody's."""

    status: str
    owner: str | None
    links: list[Link]


@dataclass(frozen=True)
class LogLine:
    """A line of a theme's log; `undone_by` is who took it back, None: it was not."""

    id: int
    theme_id: int
    kind: str
    before: dict[str, Any]
    after: dict[str, Any]
    undoes_id: int | None
    created_by: str
    created_at: dt.datetime
    undone_by: str | None


def list_following(session: Session, theme_ids: Sequence[int]) -> dict[int, Following]:
    """{theme: (status, owner, links)} of those that are there, in two statements for any number of themes."""
    found = {
        row.id: Following(row.status, row.owner, [])
        for row in session.execute(select(Theme.id, Theme.status, Theme.owner).where(Theme.id.in_(theme_ids)))
    }
    line = _lines_to(theme_ids)
    rows = session.execute(
        select(line.c.root, ThemeLink.id, ThemeLink.url, ThemeLink.title)
        .join(ThemeLink, ThemeLink.theme_id == line.c.id)
        .order_by(ThemeLink.id)
    )
    for row in rows:
        found[row.root].links.append(Link(row.id, row.url, row.title))
    return found


def find_by_link(session: Session, url: str) -> int | None:
    """The theme that an item of a tracker belongs to, the one that took it over when it was merged; None: none."""
    theme_id = session.scalar(select(ThemeLink.theme_id).where(ThemeLink.url == url))
    return None if theme_id is None else find_heir(session, theme_id)


def find_heir(session: Session, theme_id: int) -> int:
    """The theme at the end of the line of heirs; raises NotFound for a damaged line, which is not followed for ever."""
    line = select(Theme.id, Theme.heir_id).where(Theme.id == theme_id).cte("line", recursive=True)
    line = line.union(select(Theme.id, Theme.heir_id).join(line, Theme.id == line.c.heir_id))
    found: int | None = session.scalar(select(line.c.id).where(line.c.heir_id.is_(None)))
    if found is None:
        raise NotFound("theme", theme_id)
    return found


def list_log(session: Session, theme_id: int, *, limit: int = LINES) -> list[LogLine]:
    """What people said about a theme and those merged into it, the latest first."""
    line, undoing = _lines_to([theme_id]), aliased(ThemeLogLine)
    rows = session.execute(
        select(
            ThemeLogLine.id,
            ThemeLogLine.theme_id,
            ThemeLogLine.kind,
            ThemeLogLine.before,
            ThemeLogLine.after,
            ThemeLogLine.undoes_id,
            ThemeLogLine.created_by,
            ThemeLogLine.created_at,
            undoing.created_by.label("undone_by"),
        )
        .join(line, line.c.id == ThemeLogLine.theme_id)
        .outerjoin(undoing, undoing.undoes_id == ThemeLogLine.id)
        .order_by(ThemeLogLine.id.desc())
        .limit(limit)
    )
    return [LogLine(**row._mapping) for row in rows]


def list_owners(session: Session) -> list[str]:
    """Everybody who looks after a theme, for a list to choose from."""
    query = select(Theme.owner).where(Theme.owner.is_not(None), Theme.retired_at.is_(None)).distinct()
    return sorted((owner for owner in session.scalars(query) if owner), key=str.casefold)


def list_fixes(lines: Iterable[LogLine]) -> list[tuple[dt.datetime, str | None]]:
    """(when it reached customers, version) of every fix that a log tells of and that was not taken back."""
    found = {
        dt.datetime.fromisoformat(line.after["fixed_at"]): line.after.get("fixed_version")
        for line in lines
        if line.kind == "status" and line.undone_by is None and line.after.get("fixed_at")
    }
    return sorted(found.items())


def _lines_to(theme_ids: Sequence[int]) -> CTE:
    """(id, root): each of the themes, and those whose line of heirs leads to it."""
    line = select(Theme.id, Theme.id.label("root")).where(Theme.id.in_(theme_ids)).cte("line", recursive=True)
    return line.union(select(Theme.id, line.c.root).join(line, Theme.heir_id == line.c.id))
