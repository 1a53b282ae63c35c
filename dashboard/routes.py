"""The whole URL table. Every route says which role it needs; None: anybody may come."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from dashboard.api import reading, tasks
from dashboard.http import GuardedRoute, action, api_do, api_read, open_action, page
from dashboard.pages import issues, login, runs, schedules, system, themes, tickets, week
from miner.access import Role


class PublicMount(Mount):
    """Files that anybody may have."""

    role: Role | None = None


def routes() -> list[BaseRoute]:
    return [
        page("/", week.this_week),
        page("/weeks/{week:week}", week.one_week),
        page("/themes", themes.theme_list),
        page("/themes/{id:id}", themes.theme),
        page("/issues", issues.issue_list),
        page("/tickets", tickets.ticket_list),
        page("/tickets/{id:id}", tickets.ticket),
        page("/customers", tickets.customer_list),
        page("/runs", runs.run_list),
        page("/runs/live", runs.run_list_live, poll=True),
        action("/runs", runs.start),
        page("/runs/{id:id}", runs.run),
        page("/runs/{id:id}/live", runs.run_live, poll=True),
        action("/runs/{id:id}/cancel", runs.cancel),
        page("/schedules", schedules.schedule_list),
        action("/schedules/{id:slug}/run", schedules.run_now),
        page("/system", system.system),
        page("/settings", system.settings_page),
        page("/login", login.login_form, role=None),
        open_action("/login", login.log_in),
        action("/logout", login.log_out, role=Role.viewer),
        api_read("/api/tasks/scheduler/status", tasks.scheduler_status),
        api_read("/api/tasks/worker/status", tasks.worker_status),
        api_do("/api/tasks/{job:slug}", tasks.start),
        api_read("/api/runs", reading.run_list),
        api_read("/api/runs/{id:id}", reading.run),
        api_read("/api/themes", reading.theme_list),
        api_read("/api/issues", reading.issue_list),
        api_read("/api/tickets/{id:id}", reading.ticket),
        GuardedRoute("/healthz", system.healthz, method="GET", name="pages.system.healthz", role=None),
        PublicMount("/static", StaticFiles(packages=[("dashboard", "static")]), name="static"),
    ]
