"""The answer to a backlog: whether Claude reads the older tickets too."""

from __future__ import annotations

from starlette.requests import Request

from dashboard.http import Redirect
from dashboard.starting import settle_for
from miner.access import Actor


def answer(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Take the answer; "read" leads to the run that reads, where one could be started."""
    said = form.get("answer", "")
    started = settle_for(by, request.path_params["id"], said, trigger="button")
    if started is not None:
        return Redirect(f"/runs/{started.run_id}", flash="started" if started.rung else "not_rung")
    return Redirect("/", flash="backlog_left" if said == "leave" else "backlog_read_later")
