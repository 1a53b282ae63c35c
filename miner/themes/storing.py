"""Writing a plan of themes: rows, events and facts, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from miner.themes import facts, records
from miner.themes.matching import Changes, describe_changes
from miner.themes.planning import IssueRow, ThemePlan, ThemeRow


def store_themes(
    session: Session,
    *,
    issues: Sequence[IssueRow],
    plans: Sequence[ThemePlan],
    known: Mapping[int, ThemeRow],
    run_id: int,
) -> tuple[Changes, int]:
    """Write the plan; returns what changed and how many live themes there are. What is right already is not touched."""
    new = [plan for plan in plans if plan.id is None]
    for plan, theme_id in zip(new, records.create_themes(session, plans=new, run_id=run_id), strict=True):
        plan.id = theme_id
    before = {issue.id: issue.theme_id for issue in issues}
    after: dict[int, int | None] = dict.fromkeys(before)
    after |= {issue: plan.id for plan in plans for issue in plan.members}
    live = {theme.id for theme in known.values() if theme.live}
    changes = describe_changes(before, after, live=live, retired=known.keys() - live)
    records.assign_issues(session, themes={issue: theme for issue, theme in after.items() if theme != before[issue]})
    facts.mark_revived(session, theme_ids=[one.theme_id for one in changes.changes if one.kind == "revived"])
    for one in changes.changes:
        if one.kind in ("merged", "retired"):
            facts.mark_retired(session, theme_id=one.theme_id, heir_id=one.other_id)
    renamed = records.update_themes(session, plans=[plan for plan in plans if plan.id in known], known=known)
    _record_events(session, plans, known, before, changes, renamed, run_id)
    return changes, facts.refresh_facts(session)


def _record_events(
    session: Session,
    plans: Sequence[ThemePlan],
    known: Mapping[int, ThemeRow],
    before: Mapping[int, int | None],
    changes: Changes,
    renamed: Sequence[int],
    run_id: int,
) -> None:
    """`members` of born and renamed say what the name was made from, those of retired let the theme come back."""
    planned = {plan.id: plan for plan in plans}
    events = []
    for one in changes.changes:
        detail: dict[str, object] = {"issues": one.issues}
        if one.kind == "born":
            detail |= {"name": planned[one.theme_id].name, "members": planned[one.theme_id].members}
        if one.kind == "retired":
            detail["members"] = [issue for issue, theme in before.items() if theme == one.theme_id]
        events.append({"theme_id": one.theme_id, "kind": one.kind, "other_id": one.other_id, "detail": detail})
    for theme_id in renamed:
        detail = {"from": known[theme_id].name, "to": planned[theme_id].name, "members": planned[theme_id].members}
        events.append({"theme_id": theme_id, "kind": "renamed", "other_id": None, "detail": detail})
    records.record_events(session, events=events, run_id=run_id)
