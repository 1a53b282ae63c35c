"""What people change about themes. Each edit is a row that every later grouping obeys, and can be undone.

Functions take `by`, write an audit row, and leave the commit to the caller. They raise NotFound, Refused (the role) and
InvalidArguments (with a sentence for the field).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import InvalidArguments, NotFound
from miner.models import Issue, Theme, ThemeEdit, ThemeEvent, ThemeLikeness
from miner.themes.facts import mark_retired, mark_revived, refresh_facts

LONGEST_NAME = 200


def rename_theme(session: Session, theme_id: int, *, name: str, by: Actor) -> ThemeEdit:
    """Give a theme a name that no run replaces."""
    require(by, Role.operator, "rename a theme")
    theme = _live_theme(session, theme_id)
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidArguments({"name": f"a name has 1 to {LONGEST_NAME} characters"})
    before = {"name": theme.name, "name_source": theme.name_source}
    theme.name, theme.name_source = name, "human"
    _tell(session, theme.id, "renamed", None, {"from": before["name"], "to": name})
    return _record(session, by, "rename", theme_id=theme.id, detail={"before": before, "name": name})


def merge_themes(session: Session, theme_id: int, *, into: int, by: Actor) -> ThemeEdit:
    """Put all issues of `theme_id` into the theme `into`; the address of the first leads to the second."""
    require(by, Role.operator, "merge themes")
    if theme_id == into:
        raise InvalidArguments({"into": "a theme cannot be merged with itself"})
    lost, kept = _live_theme(session, theme_id), _live_theme(session, into)
    stays, moved = _issues_of(session, kept.id), _issues_of(session, lost.id)
    _move(session, moved, kept.id)
    mark_retired(session, theme_id=lost.id, heir_id=kept.id)
    _tell(session, lost.id, "merged", kept.id, {"issues": len(moved)})
    refresh_facts(session)
    return _record(session, by, "merge", theme_id=kept.id, other_id=lost.id, detail={"stays": stays, "moved": moved})


def split_theme(session: Session, theme_id: int, *, issue_ids: Collection[int], name: str, by: Actor) -> ThemeEdit:
    """Make a theme of its own of some issues; `other_id` of the edit is the new theme."""
    require(by, Role.operator, "split a theme")
    theme = _live_theme(session, theme_id)
    everything = _issues_of(session, theme.id)
    moved = sorted(set(issue_ids) & set(everything))
    if len(moved) != len(set(issue_ids)):
        raise InvalidArguments({"issue_ids": f"all of them must be issues of theme {theme.id}"})
    if not moved or len(moved) == len(everything):
        raise InvalidArguments({"issue_ids": "name at least one issue, and leave at least one"})
    new = Theme(name=" ".join(name.split())[:LONGEST_NAME] or f"{theme.name} (2)", name_source="human", terms=[])
    session.add(new)
    session.flush()
    _move(session, moved, new.id)
    _tell(session, new.id, "born", theme.id, {"issues": len(moved), "name": new.name, "members": moved})
    _tell(session, theme.id, "split", new.id, {"issues": len(moved)})
    refresh_facts(session)
    stays = sorted(set(everything) - set(moved))
    return _record(session, by, "split", theme_id=theme.id, other_id=new.id, detail={"stays": stays, "moved": moved})


def move_issue(session: Session, issue_id: int, *, theme_id: int | None, by: Actor) -> ThemeEdit:
    """Put an issue into a theme, or into none, for good."""
    return move_issues(session, [issue_id], theme_id=theme_id, by=by)[0]


def move_issues(session: Session, issue_ids: Collection[int], *, theme_id: int | None, by: Actor) -> list[ThemeEdit]:
    """As `move_issue`, several at once: themes are counted once, and each issue has a row that can be undone."""
    require(by, Role.operator, "move an issue")
    if theme_id is not None:
        _live_theme(session, theme_id)
    moved: list[tuple[Issue, dict[str, Any]]] = []
    for issue_id in sorted(set(issue_ids)):
        issue = _live_issue(session, issue_id)
        moved.append((issue, {"theme_id": issue.theme_id, "pinned": issue.theme_pinned}))
        issue.theme_id, issue.theme_pinned = theme_id, True
    session.flush()
    for left in sorted({before["theme_id"] for _, before in moved if before["theme_id"] is not None}):
        _retire_empty(session, left, theme_id)
    refresh_facts(session)
    return [
        _record(session, by, "move", theme_id=theme_id, issue_id=issue.id, detail={"before": before})
        for issue, before in moved
    ]


def pin_issue(session: Session, issue_id: int, *, pinned: bool, by: Actor) -> ThemeEdit:
    """Hold an issue where it is, or let it go."""
    require(by, Role.operator, "pin an issue")
    issue = _live_issue(session, issue_id)
    before = {"theme_id": issue.theme_id, "pinned": issue.theme_pinned}
    issue.theme_pinned = pinned
    kind = "pin" if pinned else "unpin"
    return _record(session, by, kind, theme_id=issue.theme_id, issue_id=issue.id, detail={"before": before})


def refuse_likeness(session: Session, theme_id: int, *, other_id: int, by: Actor) -> None:
    """These two are not the same; they are not offered again."""
    require(by, Role.operator, "say that themes differ")
    one, other = sorted((theme_id, other_id))
    row = session.get(ThemeLikeness, (one, other))
    if row is None:
        raise NotFound("pair of themes", f"{one} and {other}")
    row.refused_at = func.now()
    audit(session, by, "theme.refuse_likeness", "theme", one, after={"other": other})


def undo_edit(session: Session, edit_id: int, *, by: Actor) -> ThemeEdit:
    """Take an edit back. Issues that were moved on since stay where they are; a name given since stays too."""
    require(by, Role.operator, "undo a change of themes")
    edit = session.get(ThemeEdit, edit_id)
    if edit is None:
        raise NotFound("change of themes", edit_id)
    if edit.undone_at is not None:
        raise InvalidArguments({"edit": f"change {edit_id} was undone already"})
    _UNDO[edit.kind](session, edit)
    edit.undone_at, edit.undone_by = func.now(), str(by)
    session.flush()
    refresh_facts(session)
    audit(session, by, "theme.undo", "theme_edit", edit.id, before={"kind": edit.kind}, after=None)
    return edit


def _undo_rename(session: Session, edit: ThemeEdit) -> None:
    theme = session.get_one(Theme, edit.theme_id)
    if theme.name == edit.detail["name"] and theme.name_source == "human":
        theme.name, theme.name_source = edit.detail["before"]["name"], edit.detail["before"]["name_source"]
        _tell(session, theme.id, "renamed", None, {"from": edit.detail["name"], "to": theme.name})


def _undo_merge(session: Session, edit: ThemeEdit) -> None:
    back = [one for one in edit.detail["moved"] if one in set(_issues_of(session, edit.theme_id))]
    _move(session, back, edit.other_id)
    if back and edit.other_id:
        mark_revived(session, theme_ids=[edit.other_id])
        _tell(session, edit.other_id, "revived", edit.theme_id, {"issues": len(back)})
    _retire_empty(session, edit.theme_id, edit.other_id)


def _undo_split(session: Session, edit: ThemeEdit) -> None:
    back = _issues_of(session, edit.other_id)
    _move(session, back, edit.theme_id)
    if edit.theme_id and session.get_one(Theme, edit.theme_id).retired_at is not None:
        mark_revived(session, theme_ids=[edit.theme_id])
    _retire_empty(session, edit.other_id, edit.theme_id)


def _undo_place(session: Session, edit: ThemeEdit) -> None:
    issue, before = session.get_one(Issue, edit.issue_id), edit.detail["before"]
    target = before["theme_id"]
    if target is not None and session.get_one(Theme, target).retired_at is not None:
        mark_revived(session, theme_ids=[target])
    left = issue.theme_id
    issue.theme_pinned = before["pinned"]
    if edit.kind == "move" and issue.theme_id == edit.theme_id:
        issue.theme_id = target
    session.flush()
    _retire_empty(session, left, target)


_UNDO = {
    "rename": _undo_rename,
    "merge": _undo_merge,
    "split": _undo_split,
    "move": _undo_place,
    "pin": _undo_place,
    "unpin": _undo_place,
}


def _live_theme(session: Session, theme_id: int) -> Theme:
    theme = session.get(Theme, theme_id, with_for_update=True)
    if theme is None:
        raise NotFound("theme", theme_id)
    if theme.retired_at is not None:
        raise InvalidArguments({"theme": f"theme {theme_id} is retired"})
    return theme


def _live_issue(session: Session, issue_id: int) -> Issue:
    issue = session.get(Issue, issue_id, with_for_update=True)
    if issue is None or issue.retired_at is not None:
        raise NotFound("issue", issue_id)
    return issue


def _issues_of(session: Session, theme_id: int | None) -> list[int]:
    query = select(Issue.id).where(Issue.theme_id == theme_id, Issue.retired_at.is_(None)).order_by(Issue.id)
    return list(session.scalars(query))


def _move(session: Session, issue_ids: Collection[int], theme_id: int | None) -> None:
    session.execute(update(Issue).where(Issue.id.in_(issue_ids)).values(theme_id=theme_id))


def _retire_empty(session: Session, theme_id: int | None, heir_id: int | None) -> None:
    if theme_id is None or theme_id == heir_id or session.get_one(Theme, theme_id).retired_at is not None:
        return  # one that is retired already leads where it leads: another heir could make a circle of two
    if not _issues_of(session, theme_id):
        mark_retired(session, theme_id=theme_id, heir_id=heir_id)
        _tell(session, theme_id, "retired" if heir_id is None else "merged", heir_id, {"issues": 0})


def _tell(session: Session, theme_id: int, kind: str, other_id: int | None, detail: dict[str, Any]) -> None:
    session.add(ThemeEvent(theme_id=theme_id, kind=kind, other_id=other_id, detail=detail))


def _record(session: Session, by: Actor, kind: str, **columns: Any) -> ThemeEdit:
    edit = ThemeEdit(kind=kind, created_by=str(by), **columns)
    session.add(edit)
    session.flush()
    subject = ("issue", edit.issue_id) if edit.issue_id else ("theme", edit.theme_id)
    detail = {name: value for name, value in edit.detail.items() if name in ("before", "name")}
    audit(session, by, f"theme.{kind}", *subject, before=detail.get("before"), after={"edit": edit.id} | detail)
    return edit
