"""Analyze again: what it would cost, trials on a sample, the whole, and taking it back."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request

from actors.enqueue import StartedRun, start_run
from dashboard.http import Redirect, View
from dashboard.starting import counted, start_for
from miner import settings
from miner.access import Actor, Role
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.issues.rereading import apply_rereading, can_undo, list_rereadings, undo_rereading
from miner.issues.scopes import find_obstacle, list_reaches, model_in_force
from miner.issues.trial_report import get_report, list_trials
from miner.models import Trial

PAIRS = 50  # gained and lost issues that a report shows, of each


def overview(request: Request, session: Session) -> View:
    version, current = settings.load(session)
    config = request.app.state.config
    done = list_rereadings(session)
    now = session.scalar(select(func.now()))
    newest = max((one.id for one in done if one.undone_at is None), default=None)
    return View(
        "again/list.html",
        {
            "settings_version": version,
            "model": model_in_force(config),
            "obstacle": find_obstacle(session, config),
            "reaches": list_reaches(session, version=version, settings=current, config=config),
            "trials": list_trials(session),
            "rereadings": done,
            "undoable": {one.id for one in done if one.id == newest and can_undo(one, now=now)},
            "may_apply": request.state.actor.role >= Role.admin,
        },
    )


def report(request: Request, session: Session) -> View:
    found = get_report(session, request.path_params["id"])
    version, _ = settings.load(session)
    model = model_in_force(request.app.state.config)
    return View(
        "again/show.html",
        {
            "report": found,
            "trial": found.trial,
            "most": PAIRS,
            "may_apply": request.state.actor.role >= Role.admin,
            "model": model,
            "settings_version": version,
            "in_force": (found.trial.model, found.trial.settings_version) == (model, version),
        },
    )


def try_sample(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Start the trial; its run's page leads to what it found."""
    sample = _number(form, "sample")
    started = start_for(by, "trial", {"sample": sample, "scope": form.get("scope", "all")}, trigger="button")
    return Redirect(f"/runs/{started.run_id}", flash="started" if started.rung else "not_rung")


def apply(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Read a whole scope again; with `trial`, the one that the trial stands for."""

    def read_again() -> StartedRun:
        with transaction() as session:
            trial = session.get(Trial, _number(form, "trial")) if form.get("trial") else None
            apply_rereading(
                session,
                scope=trial.scope if trial else form.get("scope", ""),
                config=request.app.state.config,
                trial_id=trial.id if trial else None,
                by=by,
            )
        return start_run("analyze", {"batch_size": None}, by=by, trigger="button")

    started = counted(by, "analyze", read_again)
    return Redirect(f"/runs/{started.run_id}", flash="started" if started.rung else "not_rung")


def undo(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        undo_rereading(session, request.path_params["id"], by=by)
    return Redirect("/settings/again", flash="taken_back")


def _number(form: dict[str, str], name: str) -> int:
    text = form.get(name, "")
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise InvalidArguments({name: "it is not a whole number"})
    return int(text)
