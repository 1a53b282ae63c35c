"""Rows of groupings, proposals and likenesses: what the cluster step reads before and writes after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from miner.models import ThemeEdit, ThemeGrouping, ThemeProposal
from miner.settings import Settings
from miner.themes.constraints import Apart, Together
from miner.themes.matching import Changes
from miner.themes.modes import LastGrouping
from miner.themes.planning import Plan, ThemeRow


def find_last_grouping(session: Session) -> LastGrouping | None:
    """The newest grouping of all issues, a proposal included: both looked at everything."""
    row = session.execute(
        text("""
            SELECT made.*, (SELECT min(created_at) FROM theme_groupings) AS first_at FROM (
              SELECT created_at, granularity, smallest, pool FROM theme_groupings WHERE mode <> 'assigned'
              UNION ALL
              SELECT created_at, granularity, smallest, NULL FROM theme_proposals
            ) AS made ORDER BY created_at DESC LIMIT 1""")
    ).one_or_none()
    if row is None:
        return None
    pool = row.pool
    if pool is None:  # a proposal left the pool as the grouping beside it did
        pool = session.scalar(select(ThemeGrouping.pool).order_by(ThemeGrouping.id.desc()).limit(1)) or 0
    first = row.first_at or row.created_at
    return LastGrouping(row.created_at, first, row.granularity, row.smallest, pool)


def list_constraints(session: Session) -> list[Together | Apart]:
    """The merges and splits that stand, in the order they were made."""
    rows = session.execute(
        select(ThemeEdit.kind, ThemeEdit.detail)
        .where(ThemeEdit.kind.in_(("merge", "split")), ThemeEdit.undone_at.is_(None))
        .order_by(ThemeEdit.id)
    )
    found: list[Together | Apart] = []
    for kind, detail in rows:
        stays, other = frozenset(detail["stays"]), frozenset(detail["moved"])
        found.append(Together(stays, other) if kind == "merge" else Apart(stays, other))
    return found


def find_accepted(session: Session) -> ThemeProposal | None:
    """The proposal that a person accepted and no run has applied yet."""
    return session.scalars(select(ThemeProposal).where(ThemeProposal.state == "accepted")).one_or_none()


def mark_applied(session: Session, *, proposal_id: int) -> None:
    """The accepted proposal is in force."""
    session.execute(update(ThemeProposal).where(ThemeProposal.id == proposal_id).values(state="applied"))


def record_grouping(
    session: Session,
    *,
    run_id: int,
    mode: str,
    settings: Settings,
    changes: Changes,
    issues: int,
    themes: int,
    pool: int,
) -> None:
    """The row that says what this run moved."""
    row = ThemeGrouping(
        run_id=run_id,
        mode=mode,
        granularity=settings.granularity,
        smallest=settings.smallest_theme,
        issues=issues,
        themes=themes,
        pool=pool,
        known=changes.known,
        moved=changes.moved,
        changes=dict(Counter(one.kind for one in changes.changes)),
    )
    session.add(row)


def record_proposal(
    session: Session,
    *,
    run_id: int,
    settings: Settings,
    plan: Plan,
    known: Mapping[int, ThemeRow],
    before: Mapping[int, int | None],
    moved: int,
) -> None:
    """Keep a grouping for a person to decide on; one that was open is superseded."""
    supersede_open(session)
    differences = describe_differences(plan, known, before)
    session.add(
        ThemeProposal(
            run_id=run_id,
            granularity=settings.granularity,
            smallest=settings.smallest_theme,
            known=sum(theme is not None for theme in before.values()),
            moved=moved,
            groups=[{"id": theme.id, "members": theme.members} for theme in plan.themes],
            differences=differences,
        )
    )


def supersede_open(session: Session) -> None:
    """What was proposed before is overtaken."""
    session.execute(
        update(ThemeProposal).where(ThemeProposal.state == "open").values(state="superseded", decided_at=func.now())
    )


def describe_differences(
    plan: Plan, known: Mapping[int, ThemeRow], before: Mapping[int, int | None]
) -> list[dict[str, Any]]:
    """For each theme that would change: its id (null: new), name, size before and after, and how many come and go."""
    sizes = Counter(theme for theme in before.values() if theme is not None)
    found: list[dict[str, Any]] = []
    for theme in plan.themes:
        came = sum(before.get(issue) != theme.id or theme.id is None for issue in theme.members)
        size = sizes.pop(theme.id, 0) if theme.id is not None else 0
        went = size - (len(theme.members) - came)
        name = theme.name or (known[theme.id].name if theme.id is not None else "")
        if came or went:
            found.append(
                {"id": theme.id, "name": name, "before": size, "after": len(theme.members)}
                | {"came": came, "went": went}
            )
    for gone, size in sorted(sizes.items()):
        found.append({"id": gone, "name": known[gone].name, "before": size, "after": 0, "came": 0, "went": size})
    return found


def record_likenesses(session: Session, *, pairs: Sequence[tuple[int, int, float]]) -> None:
    """The pairs (theme, other, likeness) that are probably the same now; what a person refused stays refused."""
    session.execute(text("DELETE FROM theme_likenesses WHERE refused_at IS NULL"))
    rows = [
        {"theme_id": min(one, other), "other_id": max(one, other), "likeness": likeness}
        for one, other, likeness in pairs
    ]
    if rows:
        session.execute(
            text("""
                INSERT INTO theme_likenesses (theme_id, other_id, likeness) VALUES (:theme_id, :other_id, :likeness)
                ON CONFLICT DO NOTHING"""),
            rows,
        )
