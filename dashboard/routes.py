"""The whole URL table. Every route says which role it needs; None: anybody may come."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from dashboard import hooks
from dashboard.api import backlogs as backlogs_api
from dashboard.api import judgement as judgement_api
from dashboard.api import reading, tasks
from dashboard.http import GuardedRoute, action, api_do, api_read, hook, open_action, page
from dashboard.pages import (
    account,
    again,
    audit,
    backlogs,
    grouping,
    issues,
    judgement,
    login,
    runs,
    schedules,
    system,
    theme_edits,
    themes,
    tickets,
    users,
    week,
)
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
        page("/themes/{id:id}/change", theme_edits.change, role=Role.operator),
        action("/themes/{id:id}/rename", theme_edits.rename),
        action("/themes/{id:id}/merge", theme_edits.merge),
        action("/themes/{id:id}/differ", theme_edits.differ),
        action("/themes/{id:id}/issues", theme_edits.issues),
        page("/themes/changes", theme_edits.change_list),
        action("/themes/changes/{id:id}/undo", theme_edits.undo),
        page("/themes/proposal", grouping.proposal),
        action("/themes/proposal", grouping.decide),
        page("/themes/granularity", grouping.granularity),
        action("/themes/granularity", grouping.try_granularity),
        page("/issues", issues.issue_list),
        page("/issues/{id:id}/similar", issues.similar),
        page("/tickets", tickets.ticket_list),
        page("/tickets/{id:id}", tickets.ticket),
        action("/tickets/{id:id}/missed", judgement.missed),
        action("/issues/{id:id}/correct", judgement.correct),
        action("/issues/{id:id}/not-an-issue", judgement.not_an_issue),
        action("/corrections/{id:id}/undo", judgement.undo),
        page("/check", judgement.check),
        action("/check", judgement.draw),
        action("/check/items/{id:id}", judgement.answer),
        page("/customers", tickets.customer_list),
        page("/runs", runs.run_list),
        page("/runs/live", runs.run_list_live, poll=True),
        action("/runs", runs.start),
        page("/runs/{id:id}", runs.run),
        page("/runs/{id:id}/live", runs.run_live, poll=True),
        action("/runs/{id:id}/cancel", runs.cancel),
        action("/runs/{id:id}/wake", runs.wake),
        action("/backlogs/{id:id}/answer", backlogs.answer),
        page("/schedules", schedules.schedule_list),
        action("/schedules/{id:slug}/run", schedules.run_now),
        page("/system", system.system),
        page("/settings", system.settings_page),
        page("/settings/again", again.overview),
        action("/settings/again", again.apply, role=Role.admin),
        action("/settings/again/trials", again.try_sample),
        page("/settings/again/trials/{id:id}", again.report),
        action("/settings/again/{id:id}/undo", again.undo, role=Role.admin),
        page("/login", login.login_form, role=None),
        open_action("/login", login.log_in),
        page("/login/code", login.code_form, role=None),
        open_action("/login/code", login.check_code),
        page("/login/enrol", login.enrol_form, role=None),
        open_action("/login/enrol", login.check_enrolment),
        page("/welcome", login.welcome_form, role=None),
        open_action("/welcome", login.welcome),
        action("/logout", login.log_out, role=Role.viewer),
        page("/account", account.account),
        action("/account/password", account.change_password, role=Role.viewer),
        action("/account/second-factor", account.change_second_factor, role=Role.viewer),
        action("/account/sessions/end", account.end_session, role=Role.viewer),
        action("/account/sessions/end-others", account.end_other_sessions, role=Role.viewer),
        page("/tokens", account.token_list),
        action("/tokens", account.create_token, role=Role.viewer),
        action("/tokens/revoke", account.revoke_token, role=Role.viewer),
        page("/users", users.user_list, role=Role.admin),
        action("/users", users.create, role=Role.admin),
        action("/users/{id:id}/reset", users.reset, role=Role.admin),
        action("/users/{id:id}/role", users.set_role, role=Role.admin),
        action("/users/{id:id}/disable", users.disable, role=Role.admin),
        action("/users/{id:id}/enable", users.enable, role=Role.admin),
        page("/audit", audit.entry_list, role=Role.admin),
        page("/audit.csv", audit.export, role=Role.admin),
        page("/audit.json", audit.export_json, role=Role.admin),
        api_read("/api/tasks/scheduler/status", tasks.scheduler_status),
        api_read("/api/tasks/worker/status", tasks.worker_status),
        api_do("/api/tasks/{job:slug}", tasks.start),
        api_read("/api/backlogs", backlogs_api.backlog_list),
        api_do("/api/backlogs/{id:id}", backlogs_api.answer),
        api_read("/api/runs", reading.run_list),
        api_read("/api/runs/{id:id}", reading.run),
        api_read("/api/themes", reading.theme_list),
        api_read("/api/issues", reading.issue_list),
        api_read("/api/tickets/{id:id}", reading.ticket),
        api_do("/api/tickets/{id:id}/missed", judgement_api.missed),
        api_do("/api/issues/{id:id}/corrections", judgement_api.correct),
        api_do("/api/issues/{id:id}/not-an-issue", judgement_api.not_an_issue),
        api_do("/api/corrections/{id:id}/undo", judgement_api.undo),
        hook("/hooks/zendesk", hooks.zendesk),
        GuardedRoute("/healthz", system.healthz, method="GET", name="pages.system.healthz", role=None),
        PublicMount("/static", StaticFiles(packages=[("dashboard", "static")]), name="static"),
    ]
