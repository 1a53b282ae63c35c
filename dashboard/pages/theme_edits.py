"""What people change about themes: the forms, what they do, and the list of changes with its undoing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import KeyQuery, parse_id, parse_id_key, read_query
from dashboard.http import Redirect, View, cut
from dashboard.lists import cut_issues
from dashboard.scopes import IssueQuery
from miner.access import Actor
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.themes import edit_queries, edits
from miner.themes import queries as themes

PAGE = 50
CHOICES = 100  # issues on the page whose boxes can be ticked; a form may hold dashboard.http.MOST_FIELDS
MOST_THEMES = 100  # that can be chosen as the target, the biggest
TICKED = re.compile(r"issue-([0-9]{1,18})")


def change(request: Request, session: Session) -> View | Redirect:
    """The forms of one theme; a retired one has none, and its own page says where its issues are."""
    one = themes.get_theme(session, request.path_params["id"])
    if one.retired_at is not None:
        return Redirect(f"/themes/{one.id}")
    return View("themes/change.html", _shown(session, one.id, read_query(request, IssueQuery)))


def rename(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    theme_id = request.path_params["id"]
    try:
        with transaction() as session:
            edits.rename_theme(session, theme_id, name=form.get("name", ""), by=by)
    except InvalidArguments as error:
        return _refused(theme_id, form, error)
    return Redirect(f"/themes/{theme_id}", flash="renamed")


def merge(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """Put the theme into another, whose page comes next."""
    theme_id, into = request.path_params["id"], parse_id(form.get("into", ""))
    try:
        with transaction() as session:
            if into is None:
                raise InvalidArguments({"into": "choose a theme"})
            edits.merge_themes(session, theme_id, into=into, by=by)
    except InvalidArguments as error:
        return _refused(theme_id, form, error)
    return Redirect(f"/themes/{into}", flash="merged")


def differ(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """These two are not the same."""
    theme_id, other = request.path_params["id"], parse_id(form.get("other", ""))
    if other is None:
        raise InvalidArguments({"other": "it is not the id of a theme"})
    with transaction() as session:
        edits.refuse_likeness(session, theme_id, other_id=other, by=by)
    return Redirect(f"/themes/{theme_id}", flash="differ")


def issues(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """Split off, move, hold or let go the issues whose boxes are ticked; `do` is the button that was pressed."""
    theme_id = request.path_params["id"]
    chosen = [int(match[1]) for name in form if (match := TICKED.fullmatch(name))]
    try:
        with transaction() as session:
            if not chosen:
                raise InvalidArguments({"issues": "tick at least one issue"})
            return _do(session, theme_id, chosen, form, by)
    except InvalidArguments as error:
        return _refused(theme_id, form, error)


def undo(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        edit = edits.undo_edit(session, request.path_params["id"], by=by)
        theme_id = edit.theme_id or edit.detail.get("before", {}).get("theme_id")
    return Redirect(f"/themes/{theme_id}" if theme_id else "/themes/changes", flash="undone_edit")


def change_list(request: Request, session: Session) -> View:
    asked = read_query(request, KeyQuery)
    rows = edit_queries.list_edits(session, before=parse_id_key(asked.after), limit=PAGE + 1)
    return View("themes/changes.html", {"found": cut(rows, PAGE, lambda line: str(line.id))})


def _do(session: Session, theme_id: int, chosen: list[int], form: Mapping[str, str], by: Actor) -> Redirect:
    what = form.get("do", "")
    if what == "split":
        edit = edits.split_theme(session, theme_id, issue_ids=chosen, name=form.get("name", ""), by=by)
        return Redirect(f"/themes/{edit.other_id}", flash="split")
    if what == "move":
        typed = form.get("to", "")
        to = None if typed == "none" else parse_id(typed)
        if typed != "none" and to is None:
            raise InvalidArguments({"to": "choose a theme"})
        edits.move_issues(session, chosen, theme_id=to, by=by)
        return Redirect(f"/themes/{to or theme_id}", flash="moved")
    if what in ("pin", "unpin"):
        for issue_id in chosen:
            edits.pin_issue(session, issue_id, pinned=what == "pin", by=by)
        return Redirect(f"/themes/{theme_id}/change#issues", flash="pinned" if what == "pin" else "unpinned")
    raise InvalidArguments({"do": "press one of the buttons"})


def _refused(theme_id: int, form: Mapping[str, str], error: InvalidArguments) -> View:
    """The forms again with what was typed and what is wrong with it (422); a retired theme has none."""
    with transaction() as session:
        if themes.get_theme(session, theme_id).retired_at is not None:
            raise error
        shown = _shown(session, theme_id, IssueQuery(), typed=form, faults=error.fields)
    return View("themes/change.html", shown, status=422)


def _shown(
    session: Session,
    theme_id: int,
    asked: IssueQuery,
    *,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    from miner.themes.similar import similar_themes

    similar = [(one.id, one.title) for one in similar_themes(session, theme_id)]
    known = {theme_id, *(one for one, _ in similar)}
    biggest = [(one.id, one.name) for one in themes.list_themes(session, limit=MOST_THEMES) if one.id not in known]
    return {
        "theme": themes.get_theme(session, theme_id),
        "asked": asked,
        "found": cut_issues(session, asked, CHOICES, theme_id=theme_id, all_live=True),
        "similar": similar,
        "biggest": biggest,
        "typed": {"name": "", "into": "", "to": ""} | dict(typed or {}),
        "faults": faults or {},
        "longest_name": edits.LONGEST_NAME,
    }
