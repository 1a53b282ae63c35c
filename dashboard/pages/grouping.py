"""How all issues are grouped: the grouping that waits for a decision, and what another granularity would give."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import arguments, inputs, parse_id
from dashboard.http import Redirect, View
from dashboard.starting import start_for
from miner import settings
from miner.access import Actor
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.runs import queries as runs
from miner.runs.jobs import JOBS
from miner.themes.proposals import accept_proposal, find_waiting, reject_proposal

SHOWN = 100  # differences of a proposal, the largest
PREVIEWS = 10


def proposal(request: Request, session: Session) -> View:
    found = find_waiting(session)
    differences = sorted(found.differences, key=lambda one: -(one["came"] + one["went"])) if found else []
    return View(
        "themes/proposal.html",
        {"proposal": found, "differences": differences[:SHOWN], "more": max(0, len(differences) - SHOWN)},
    )


def decide(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Accept or reject the proposal that the page showed; one that came since is another."""
    proposal_id, what = parse_id(form.get("proposal", "")), form.get("decision", "")
    if proposal_id is None or what not in ("accept", "reject"):
        raise InvalidArguments({"decision": "press one of the buttons of /themes/proposal"})
    with transaction() as session:
        (accept_proposal if what == "accept" else reject_proposal)(session, proposal_id, by=by)
    if what == "accept":
        return Redirect("/themes/proposal", flash="accepted")
    return Redirect("/themes", flash="rejected")


def granularity(request: Request, session: Session) -> View:
    return View("themes/granularity.html", _previews(session))


def try_granularity(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """Count the themes that another granularity would give, in a worker; its run's page shows the answer."""
    try:
        started = start_for(by, "preview", arguments(JOBS["preview"], form), trigger="button")
    except InvalidArguments as error:
        with transaction() as session:
            shown = _previews(session, typed=form, faults=error.fields)
        return View("themes/granularity.html", shown, status=422)
    return Redirect(f"/runs/{started.run_id}", flash="started" if started.rung else "not_rung")


def _previews(
    session: Session, *, typed: dict[str, str] | None = None, faults: dict[str, str] | None = None
) -> dict[str, Any]:
    _, current = settings.load(session)
    return {
        "current": current,
        "field": inputs(JOBS["preview"], typed)[0],
        "fault": (faults or {}).get("granularity"),
        "previews": runs.list_runs(session, job="preview", limit=PREVIEWS),
    }
