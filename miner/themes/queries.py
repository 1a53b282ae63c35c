"""What pages and the API read about themes. The centroid stays in the database: no page needs it."""

from __future__ import annotations

from sqlalchemy import Select, literal, select, tuple_
from sqlalchemy.orm import Session, defer

from miner.errors import NotFound
from miner.models import Theme, ThemeEvent


def _themes() -> Select[Theme]:
    return select(Theme).options(defer(Theme.centroid, raiseload=True))


def list_themes(
    session: Session,
    *,
    text: str | None = None,
    type_: str | None = None,
    flag: str | None = None,
    after: tuple[int, int] | None = None,
    limit: int = 50,
) -> list[Theme]:
    """Living themes, the biggest first.

    `text` is looked for in the name, `flag` is a trend flag, `after` is (issue_count, id) of the last theme of the
    page before.
    """
    query = _themes().where(Theme.retired_at.is_(None)).order_by(Theme.issue_count.desc(), Theme.id).limit(limit)
    if text:
        query = query.where(Theme.name.icontains(text, autoescape=True))
    if type_ is not None:
        query = query.where(Theme.type == type_)
    if flag is not None:
        query = query.where(Theme.flag == flag)
    if after:
        query = query.where(tuple_(-Theme.issue_count, Theme.id) > tuple_(literal(-after[0]), literal(after[1])))
        query = query.where(Theme.issue_count <= after[0])  # the bound that the index can use
    return list(session.scalars(query))


def get_theme(session: Session, theme_id: int) -> Theme:
    """The theme, retired ones too; raises NotFound."""
    theme = session.scalars(_themes().where(Theme.id == theme_id)).one_or_none()
    if theme is None:
        raise NotFound("theme", theme_id)
    return theme


def list_theme_events(session: Session, theme_id: int, *, limit: int = 50) -> list[tuple[ThemeEvent, str | None]]:
    """The theme's life, the latest first, each event with the name of the other theme in it."""
    rows = session.execute(
        select(ThemeEvent, Theme.name)
        .outerjoin(Theme, Theme.id == ThemeEvent.other_id)
        .where(ThemeEvent.theme_id == theme_id)
        .order_by(ThemeEvent.id.desc())
        .limit(limit)
    )
    return [(event, name) for event, name in rows]
