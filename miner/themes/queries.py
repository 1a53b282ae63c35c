"""What pages and the API read about themes. The centroid stays in the database: no page needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, literal, select, tuple_
from sqlalchemy.orm import Session, defer

from miner.errors import NotFound
from miner.models import Issue, Theme, ThemeEvent, ThemeLikeness


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


@dataclass(frozen=True)
class Point:
    """A distinct thing that is said in a theme: how many issues say so, and one of them with its quote."""

    text: str
    count: int
    issue_id: int
    quote: str


@dataclass(frozen=True)
class Portrait:
    """What a theme says. `by` is terms or claude, None: nothing yet; `sentences` are (text, issue ids).

    `ticket_of` leads from each issue in it to its ticket.
    """

    by: str | None
    sentences: list[tuple[str, list[int]]]
    points: list[Point]
    quotes: list[tuple[int, str]]
    ticket_of: dict[int, int] = field(default_factory=dict)


def get_portrait(session: Session, theme_id: int) -> Portrait:
    """What the theme says, as far as the issues behind it are still there; raises NotFound."""
    return portrait_of(session, get_theme(session, theme_id))


def portrait_of(session: Session, theme: Theme) -> Portrait:
    """As `get_portrait`, of a theme that was read already."""
    raw = theme.portrait
    sentences, points, quotes = (raw.get(part, []) for part in ("sentences", "points", "quotes"))
    cited = {issue for one in sentences for issue in one["issues"]} | {one["issue"] for one in points} | set(quotes)
    found = _list_quotes(session, sorted(cited))
    quote_of = {issue: quote for issue, (quote, _) in found.items()}
    kept = [(one["text"], [issue for issue in one["issues"] if issue in quote_of]) for one in sentences]
    return Portrait(
        raw.get("by"),
        [(text, issues) for text, issues in kept if issues],
        [
            Point(one["text"], one["count"], one["issue"], quote_of[one["issue"]])
            for one in points
            if one["issue"] in quote_of
        ],
        [(issue, quote_of[issue]) for issue in quotes if issue in quote_of],
        {issue: ticket for issue, (_, ticket) in found.items()},
    )


def _list_quotes(session: Session, issue_ids: Sequence[int]) -> dict[int, tuple[str, int]]:
    """{issue id: (quote, ticket id)} of those that count: live, with a quote that stands in the ticket."""
    rows = session.execute(
        select(Issue.id, Issue.quote, Issue.ticket_id).where(
            Issue.id.in_(issue_ids), Issue.retired_at.is_(None), Issue.quote_verified
        )
    )
    return {row.id: (row.quote, row.ticket_id) for row in rows}


def list_likenesses(session: Session, theme_id: int) -> list[tuple[int, str, float]]:
    """(id, name, likeness) of living themes that are probably the same as this one, the most alike first."""
    other = select(ThemeLikeness.other_id.label("id"), ThemeLikeness.likeness).where(
        ThemeLikeness.theme_id == theme_id, ThemeLikeness.refused_at.is_(None)
    )
    first = select(ThemeLikeness.theme_id.label("id"), ThemeLikeness.likeness).where(
        ThemeLikeness.other_id == theme_id, ThemeLikeness.refused_at.is_(None)
    )
    pairs = other.union_all(first).subquery()
    rows = session.execute(
        select(Theme.id, Theme.name, pairs.c.likeness)
        .join(pairs, pairs.c.id == Theme.id)
        .where(Theme.retired_at.is_(None))
        .order_by(pairs.c.likeness.desc(), Theme.id)
    )
    return [(row.id, row.name, row.likeness) for row in rows]
