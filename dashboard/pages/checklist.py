"""Setting up: in the place of the week until there is one, and at /start afterwards."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import parse_id
from dashboard.http import Redirect, View
from dashboard.pages.runs import share_of
from dashboard.settings_fields import written
from dashboard.starting import start_for
from miner import settings
from miner.access import Actor
from miner.db import transaction
from miner.errors import InvalidArguments, UsageError
from miner.issues import backlog
from miner.issues.knowledge import measure_prompt
from miner.issues.outlook import Outlook, look_ahead
from miner.issues.scopes import model_in_force
from miner.models import SETUP_STEPS, Schedule
from miner.runs import queries as runs
from miner.runs.jobs import JOBS
from miner.runs.schedule_edits import resume_schedule, set_schedule
from miner.settings import Settings
from miner.setup.checks import record_check, run_check
from miner.setup.steps import DAILY, list_steps
from miner.tickets import completeness, sample
from miner.tickets import queries as tickets


def start(request: Request, session: Session) -> View:
    return View("checklist.html", _shown(request, session))


def check(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Test one step now; what it finds is kept, and shown with its time."""
    step, config = form.get("step", ""), request.app.state.config
    if step not in SETUP_STEPS:
        raise InvalidArguments({"step": f"choose one of {', '.join(SETUP_STEPS)}"})
    findings = run_check(step, config, lease_seconds=request.app.state.lease_seconds)
    with transaction() as session:
        record_check(session, step, findings, config=config, by=by)
    return Redirect(f"/start#{step}")


def set_daily(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """When the full pipeline starts by itself; a paused schedule goes on."""
    changes = {name: form.get(name, "").strip() for name in ("cron", "timezone")}
    try:
        with transaction() as session:
            set_schedule(session, DAILY, changes, by=by, version=parse_id(form.get("version", "")))
            resume_schedule(session, DAILY, by=by)
    except InvalidArguments as error:
        with transaction() as session:
            shown = _shown(request, session, typed=changes, faults=error.fields)
        return View("checklist.html", shown, status=422)
    return Redirect("/start#schedule", flash="schedule_set")


def load_sample(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Import, read and group the sample; its run's page shows how far it is."""
    started = start_for(by, "sample", {}, trigger="button")
    return Redirect(f"/runs/{started.run_id}", flash="started" if started.rung else "not_rung")


def remove_sample(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    if form.get("sure") != "yes":
        raise UsageError("tick the box that says what is removed, then press the button again")
    with transaction() as session:
        sample.remove_sample(session, by=by)
    return Redirect("/start", flash="sample_removed")


def _shown(
    request: Request,
    session: Session,
    *,
    typed: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
) -> dict[str, Any]:
    active = runs.list_active_runs(session, with_later=False)
    at_work = runs.list_steps(session, [one.id for one in active])
    config, lease_seconds = request.app.state.config, request.app.state.lease_seconds
    version, current = settings.load(session)
    steps = list_steps(session, config, current=current, lease_seconds=lease_seconds, now=dt.datetime.now(dt.UTC))
    return {
        "steps": steps,
        "ready": sum(step.state in ("done", "warning") for step in steps),
        "settings_version": version,
        "current": current,
        "limits": {name: written(getattr(current, name)) for name in ("month_budget_usd", "run_budget_usd")},
        "counts": tickets.count_tickets(session),
        "mirrors": completeness.list_lines(session),
        "active": [(one, share_of(at_work[one.id])) for one in active],
        "last_pipeline": runs.find_last_completed_run(session, "pipeline"),
        "pipeline": JOBS["pipeline"],
        "daily": session.get(Schedule, DAILY),
        "typed": typed or {},
        "faults": faults or {},
        "backlogs": [(one, backlog.outlook_of(one)) for one in backlog.list_backlogs(session)],
        "first_look": backlog.FIRST_LOOK,
        "sample_tickets": sample.TICKETS,
        "sample_price": _sample_price(session, model_in_force(config), current, version),
    }


def _sample_price(session: Session, model: str, current: Settings, version: int) -> Outlook | None:
    """What Claude would take for what it reads of the sample at first; None: the local analyzer reads."""
    if model.startswith("local"):
        return None
    count = sample.TICKETS if current.backlog == "read" else backlog.FIRST_LOOK
    size = measure_prompt(session, current, version=version)
    return look_ahead(
        count,
        count * (sample.CHARACTERS // sample.TICKETS + size.a_ticket),
        prefix=size.prefix,
        per_call=current.tickets_per_call,
        at_once=current.calls_at_once,
        model=model,
    )
