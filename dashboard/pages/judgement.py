"""What people say about readings: corrections on a ticket's page, and the weekly check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import CheckQuery, read_query
from dashboard.http import Redirect, View
from dashboard.pages import tickets as ticket_pages
from miner.access import Actor
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.issues import checks, scores
from miner.issues.corrections import FIELDS, correct_issue, mark_missed, set_aside
from miner.issues.undoing import undo_correction
from miner.models import CheckItem, Correction, Issue, Ticket

LONGEST_EXCERPT = 6_000  # characters of a ticket whose answer is checked


def correct(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Type, area, severity and theme as the form has them; what does not differ is no correction."""
    issue_id = request.path_params["id"]
    given = parse_correction(form)
    with transaction() as session:
        made = correct_issue(session, issue_id, given=given, by=by)
        ticket_id = session.get_one(Issue, issue_id).ticket_id
    return Redirect(f"/tickets/{ticket_id}#issue-{issue_id}", flash="corrected" if made else "unchanged")


def parse_correction(form: Mapping[str, Any]) -> dict[str, str | int | None]:
    """The fields that are there; an empty area or theme is none."""
    given: dict[str, str | int | None] = {name: form[name] or None for name in FIELDS if name in form}
    theme = given.get("theme")
    if isinstance(theme, str):
        if not theme.isascii() or not theme.isdecimal() or len(theme) > 18:
            raise InvalidArguments({"theme": "it is not the id of a theme"})
        given["theme"] = int(theme)
    return given


def not_an_issue(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """It counts no longer. Who said so on the theme's page goes back there."""
    with transaction() as session:
        made = set_aside(session, request.path_params["id"], by=by)
        correction = session.get_one(Correction, made)
        ticket_id, theme_id = correction.ticket_id, session.get_one(Issue, correction.issue_id).theme_id
    if form.get("back") == "theme" and theme_id is not None:
        return Redirect(f"/themes/{theme_id}#quotes", flash="set_aside_here")
    return Redirect(f"/tickets/{ticket_id}#corrections", flash="set_aside")


def missed(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """A passage as an issue; one that is refused shows the page again with what was typed."""
    ticket_id = request.path_params["id"]
    try:
        with transaction() as session:
            made = mark_missed(
                session,
                ticket_id,
                passage=form.get("passage", ""),
                type_=form.get("type", ""),
                severity=form.get("severity", "medium"),
                area=form.get("area") or None,
                summary=form.get("summary", ""),
                by=by,
            )
            issue_id = session.get_one(Correction, made).issue_id
    except InvalidArguments as error:
        with transaction() as session:
            shown = ticket_pages.show(session, ticket_id, typed=form, faults=error.fields)
        return View("tickets/show.html", shown, status=422)
    return Redirect(f"/tickets/{ticket_id}#issue-{issue_id}", flash="marked")


def undo(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        found = undo_correction(session, request.path_params["id"], by=by)
        ticket_id, theme_id = found.ticket_id, session.get_one(Issue, found.issue_id).theme_id
    if form.get("back") == "theme" and theme_id is not None:
        return Redirect(f"/themes/{theme_id}#quotes", flash="undone")
    return Redirect(f"/tickets/{ticket_id}#corrections", flash="undone")


def check(request: Request, session: Session) -> View:
    """The item that is to be judged next, or the one asked for; what was judged; and the scores."""
    asked = read_query(request, CheckQuery)
    monday = checks.this_monday(session)
    found = checks.find_check(session)
    items = checks.list_items(session, found.id) if found else []
    chosen = next((item for item in items if item.id == asked.item), None)
    item = chosen or next((item for item in items if item.verdict is None), None)
    ticket = session.get(Ticket, item.ticket_id) if item else None
    return View(
        "check.html",
        {
            "check": found,
            "may_draw": found is None or found.monday != monday,
            "items": items,
            "item": item,
            "ticket": ticket,
            "excerpt": _excerpt(item, ticket),
            "judged": sum(one.verdict is not None for one in items),
            "scores": scores.list_scores(session),
        },
    )


def draw(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        checks.draw_check(session, by=by)
    return Redirect("/check")


def answer(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        checks.answer_check(session, request.path_params["id"], verdict=form.get("verdict", ""), by=by)
    return Redirect("/check")


def _excerpt(item: CheckItem | None, ticket: Ticket | None) -> str | None:
    """The words of a ticket without an issue: there is no quote to show."""
    if item is None or ticket is None or item.kind == "issue":
        return None
    text = ticket.text
    return text if len(text) <= LONGEST_EXCERPT else f"{text[:LONGEST_EXCERPT]} …"
