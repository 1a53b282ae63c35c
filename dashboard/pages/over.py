"""Starting over: what each way of it would do, in numbers, and the forms that do it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.http import Redirect, View
from dashboard.starting import do_and_start
from miner import settings
from miner.access import Actor, Role
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.tickets import starting_over
from miner.tickets.credentials import missing_configuration
from miner.tickets.reach import count_rebuild, list_reaches, list_workers_of

# What takes words away asks to type the account, what can be taken back to tick a box.
_TYPED: dict[str, Callable[..., int]] = {
    "clear": starting_over.clear_source,
    "remove": starting_over.remove_source,
    "purge": starting_over.purge_hidden,
}
_TICKED: dict[str, Callable[..., int]] = {
    "keep": starting_over.keep_source,
    "hide": starting_over.hide_source,
}


def overview(request: Request, session: Session) -> View:
    return View("over.html", _shown(request, session))


def apply(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """Do what the form says, once it is confirmed; what follows by itself is started."""
    do, source = form.get("do", ""), form.get("source", "")
    if do not in ("themes", *_TYPED, *_TICKED):
        raise InvalidArguments({"do": "press one of the buttons of /settings/over"})
    if fault := _unconfirmed(do, source, form):
        with transaction() as session:
            shown = _shown(request, session)
        return View("over.html", shown | {"fault": (do, source, fault)}, status=422)

    def work() -> None:
        with transaction() as session:
            if do == "themes":
                starting_over.rebuild_themes(session, by=by)
            else:
                (_TYPED | _TICKED)[do](session, source, by=by)

    job = {"themes": "cluster", "clear": "pipeline"}.get(do)
    if job is None or (do == "clear" and missing_configuration(request.app.state.config)):
        work()
        return Redirect("/settings/over", flash=f"over_{do}")
    started = do_and_start(by, job, work)
    return Redirect(f"/runs/{started.run_id}" if started else "/settings/over", flash=f"over_{do}")


def _unconfirmed(do: str, source: str, form: dict[str, str]) -> str | None:
    if do in _TYPED and form.get("typed", "").strip() != source:
        return f"type {source} to confirm"
    if do not in _TYPED and form.get("sure") != "yes":
        return "tick the box to confirm"
    return None


def _shown(request: Request, session: Session) -> dict[str, object]:
    version, current = settings.load(session)
    config = request.app.state.config
    return {
        "themes": count_rebuild(session),
        "accounts": list_reaches(session, version=version, settings=current, config=config),
        "held": list_workers_of(session, ("sync", "analyze", "themes")),
        "may_apply": request.state.actor.role >= Role.admin,
        "fault": ("", "", ""),
    }
