"""The machine room: processes, versions, the database; and a sign of life."""

from __future__ import annotations

import datetime as dt
import platform

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from dashboard.http import View
from miner import settings
from miner.help_center import records as help_center
from miner.runs import pausing
from miner.runs import queries as runs
from miner.tickets import completeness, sync_health
from miner.tickets import queries as tickets
from miner.tickets.credentials import days_of_api_keys, login_kind


def system(request: Request, session: Session) -> View:
    version, _ = settings.load(session)
    return View(
        "system.html",
        {
            "workers": runs.list_workers(session),
            "silent_seconds": max(60, request.app.state.lease_seconds),  # a process beats several times a lease
            "pause": pausing.find_pause(session),
            "beat": runs.find_beat(session, "tick"),
            "help_centers": help_center.list_states(session),
            "facts": runs.get_database_facts(session),
            "counts": tickets.count_tickets(session),
            "accounts": completeness.list_accounts(session),
            "syncing": {one.source: one for one in sync_health.list_health(session)},
            "key_days": days_of_api_keys(login_kind(request.app.state.config), today=dt.datetime.now(dt.UTC).date()),
            "settings_version": version,
            "python": platform.python_version(),
        },
    )


async def healthz(request: Request) -> PlainTextResponse:
    """The process answers; the database is not asked."""
    return PlainTextResponse("ok")
