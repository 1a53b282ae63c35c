"""What the cluster step reads and writes, as statements over many rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, insert, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from miner.models import Theme, ThemeEvent
from miner.themes.planning import IssueRow, ThemePlan, ThemeRow
from miner.themes.portraits import Voice
from miner.themes.vectors import pack


def list_live_issues(session: Session) -> list[IssueRow]:
    """Every live issue in the order of ids, on which the determinism of grouping rests."""
    rows = session.execute(
        text("""
            SELECT id, type, summary, theme_id, theme_pinned, quote_verified FROM issues
            WHERE retired_at IS NULL ORDER BY id""")
    )
    return [IssueRow(*row) for row in rows]


def list_voices(session: Session, *, issue_ids: Sequence[int]) -> dict[int, Voice]:
    """{issue id: what a portrait needs of it}."""
    rows = session.execute(
        text("""
            SELECT issue.id, issue.summary, ticket.customer_id,
              issue.severity IN ('critical', 'high') AS severe
            FROM issues AS issue JOIN tickets AS ticket ON ticket.id = issue.ticket_id
            WHERE issue.id = ANY(:ids)"""),
        {"ids": list(issue_ids)},
    )
    return {row.id: Voice(*row) for row in rows}


def list_themes(session: Session) -> dict[int, ThemeRow]:
    """Every theme there ever was, by id."""
    rows = session.execute(
        text("""
            SELECT theme.id, theme.name, theme.name_source, theme.terms, theme.centroid,
              theme.portrait ->> 'by' AS portrait_by,
              theme.retired_at IS NULL AS live,
              (SELECT detail -> 'members' FROM theme_events AS event
               WHERE event.theme_id = theme.id AND event.kind IN ('born', 'renamed') AND detail ? 'members'
               ORDER BY event.id DESC LIMIT 1) AS named_from
            FROM themes AS theme ORDER BY theme.id""")
    )
    return {
        row.id: ThemeRow(
            id=row.id,
            name=row.name,
            name_source=row.name_source,
            terms=row.terms,
            centroid=row.centroid,
            live=row.live,
            named_from=frozenset(row.named_from or ()),
            portrait_by=row.portrait_by,
        )
        for row in rows
    }


def list_dissolved(session: Session) -> dict[int, int]:
    """{issue id: theme id} of the themes that were retired without an heir, as they were at their end."""
    rows = session.execute(
        text("""
            SELECT DISTINCT ON (event.theme_id) event.theme_id, event.detail -> 'members' AS members
            FROM theme_events AS event JOIN themes AS theme ON theme.id = event.theme_id
            WHERE event.kind = 'retired' AND theme.retired_at IS NOT NULL AND theme.heir_id IS NULL
              AND event.detail ? 'members'
            ORDER BY event.theme_id, event.id DESC""")
    )
    return {issue: row.theme_id for row in rows for issue in row.members}


def create_themes(session: Session, *, plans: Sequence[ThemePlan], run_id: int) -> list[int]:
    """New themes, in the order given; returns their ids."""
    rows = [
        {
            "name": plan.name,
            "name_source": plan.name_source,
            "terms": plan.terms,
            "centroid": pack(plan.centroid),
            "portrait": plan.portrait or {},
            "run_id": run_id,
        }
        for plan in plans
    ]
    if not rows:
        return []
    return list(session.scalars(insert(Theme).returning(Theme.id, sort_by_parameter_order=True), rows))


def update_themes(session: Session, *, plans: Sequence[ThemePlan], known: Mapping[int, ThemeRow]) -> list[int]:
    """Store terms, centres and new names where they differ; returns the ids of the renamed.

    A name that a person gave while the step was computing stays.
    """
    renamed: list[int] = []
    for plan in plans:
        old = known[plan.id or 0]
        values: dict[str, Any] = {}
        if plan.terms != old.terms:
            values["terms"] = plan.terms
        if pack(plan.centroid) != old.centroid:
            values["centroid"] = pack(plan.centroid)
        if plan.portrait is not None:
            values["portrait"] = plan.portrait
        if values:
            session.execute(update(Theme).where(Theme.id == old.id).values(**values, updated_at=func.now()))
        if plan.name is not None:
            naming = update(Theme).where(Theme.id == old.id, Theme.name_source != "human").returning(Theme.id)
            values = {"name": plan.name, "name_source": plan.name_source, "updated_at": func.now()}
            renamed += session.scalars(naming.values(**values)).all()
    return renamed


_ASSIGN = text("""
    UPDATE issues SET theme_id = fresh.theme_id
    FROM unnest(:issues, :themes) AS fresh (id, theme_id)
    WHERE issues.id = fresh.id AND issues.theme_id IS DISTINCT FROM fresh.theme_id
      AND NOT issues.theme_pinned AND issues.retired_at IS NULL""").bindparams(
    bindparam("issues", type_=ARRAY(BigInteger)), bindparam("themes", type_=ARRAY(BigInteger))
)


def assign_issues(session: Session, *, themes: Mapping[int, int | None]) -> None:
    """Put each issue into its theme (None: none); one that a person pinned meanwhile stays where it is."""
    session.execute(_ASSIGN, {"issues": list(themes), "themes": list(themes.values())})


def record_events(session: Session, *, events: Sequence[dict[str, Any]], run_id: int) -> None:
    """Add theme events; each has theme_id, kind, other_id and detail."""
    if events:
        session.execute(insert(ThemeEvent), [{**event, "run_id": run_id} for event in events])
