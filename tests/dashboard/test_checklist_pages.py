"""Setting up as a page: what is missing, testing it, the sample in and out, and the week once there is one."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner import settings
from miner.access import Role
from miner.models import SETUP_STEPS, JobRun, Schedule
from miner.runs.context import StepContext
from tests.dashboard.conftest import make_client, new_session
from tests.factories import NOON, TESTER, make_issue, make_run, make_theme, make_ticket


def test_until_a_first_pipeline_the_week_is_a_checklist_with_the_exact_fixes(client: TestClient) -> None:
    page = unescape(client.get("/").text)
    assert "Set up" in page
    for word in ("ZENDESK_OAUTH_CLIENT_SECRET", "ZENDESK_BRAND_ID", "ANTHROPIC_API_KEY", "SECRET_KEY", "scale it to 1"):
        assert word in page
    assert page.count(">Test now") == len(SETUP_STEPS)
    assert "week" not in client.get("/start").text.split("<title>")[1].split("</title>")[0].lower()


def test_the_week_stands_there_once_there_is_one_and_the_checklist_at_its_own_address(
    client: TestClient, session: Session
) -> None:
    make_run(session, job_name="pipeline", state="completed", started_at=NOON, created_at=NOON, finished_at=NOON)
    make_issue(session, theme_id=make_theme(session).id)
    session.commit()
    assert ">Test now" not in client.get("/").text
    assert "The first pipeline has completed" in client.get("/start").text


def test_a_run_at_work_is_shown_where_one_waits_for_it(client: TestClient, session: Session) -> None:
    run = make_run(session, job_name="pipeline", progress="Syncing <b>...")
    session.commit()
    page = client.get("/").text
    assert f'href="/runs/{run.id}"' in page
    assert "Syncing &lt;b&gt;..." in page


def test_a_test_is_made_and_its_result_shown_with_its_time(client: TestClient) -> None:
    answer = client.post("/start/check", data={"step": "zendesk"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/start#zendesk")
    page = unescape(client.get("/start").text)
    assert "Zendesk is not configured: set ZENDESK_SUBDOMAIN" in page
    assert "by local user" in page
    assert client.post("/start/check", data={"step": "nothing"}).status_code == 422


def test_limits_and_product_are_set_on_the_spot(client: TestClient, session: Session) -> None:
    version = str(settings.load(session)[0])
    form = {"version": version, "back": "start", "month_budget_usd": "25", "run_budget_usd": ""}
    assert client.post("/settings/budget", data=form).headers["location"] == "/start"
    form = {"version": version, "back": "start", "product": "A clock for <teams>"}
    assert client.post("/settings/product", data=form).headers["location"] == "/start"
    session.rollback()
    current = settings.load(session)[1]
    assert (current.month_budget_usd, current.product) == (25, "A clock for <teams>")
    assert 'value="25"' in client.get("/start").text


def test_a_refused_limit_shows_the_whole_page_of_the_budget_as_it_is(client: TestClient, session: Session) -> None:
    settings.save(session, settings.parse({"backlog": "leave", "ask_above_usd": 9}), by=TESTER)
    session.commit()
    form = {"version": str(settings.load(session)[0]), "back": "start", "month_budget_usd": "much"}
    page = client.post("/settings/budget", data=form)
    assert page.status_code == 422
    assert "write a number such as 2.5" in page.text.lower()
    assert 'value="leave" selected' in page.text
    assert 'value="9"' in page.text


def test_when_the_pipeline_starts_is_set_on_the_spot(client: TestClient, session: Session) -> None:
    form = {"cron": "30 4 * * 1-5", "timezone": "Europe/Berlin", "version": "1"}
    assert client.post("/start/schedule", data=form).headers["location"] == "/start#schedule"
    row = session.get_one(Schedule, "daily_sync")
    assert (row.cron, row.timezone, row.paused_at) == ("30 4 * * 1-5", "Europe/Berlin", None)
    answer = client.post("/start/schedule", data=form | {"cron": "<b>", "version": "2"})
    assert answer.status_code == 422
    assert 'value="&lt;b&gt;" aria-invalid="true"' in answer.text
    assert client.post("/start/schedule", data=form).status_code == 422  # somebody else edited meanwhile


def test_the_sample_is_one_button_in_and_says_what_it_costs(client: TestClient, session: Session) -> None:
    assert "It costs nothing" in client.get("/").text
    answer = client.post("/start/sample")
    run = session.query(JobRun).one()
    assert (answer.headers["location"], run.job_name, run.keys) == (
        f"/runs/{run.id}", "sample", ["analyze", "sync", "themes"],
    )  # fmt: skip
    assert client.post("/start/sample").status_code == 409
    with make_client({"ANTHROPIC_API_KEY": "sk-ant-x"}) as other:
        page = other.get("/start").text
    assert "claude-haiku-5-5 reads 200 of them for about $" in page


def test_the_sample_is_one_button_out_confirmed_and_refused_while_a_run_works(
    client: TestClient, session: Session, step: Callable[..., StepContext]
) -> None:
    ticket = make_ticket(session, source="sample")
    make_issue(session, ticket, theme_id=make_theme(session).id)
    session.commit()
    assert "Remove 1 ticket and all" in client.get("/start").text
    assert client.post("/start/sample/remove").status_code == 422
    run_id = step("cluster").run_id
    busy = client.post("/start/sample/remove", data={"sure": "yes"})
    assert (busy.status_code, f"Go to run {run_id}" in busy.text) == (409, True)
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()
    assert client.post("/start/sample/remove", data={"sure": "yes"}).headers["location"] == "/start"
    assert session.scalar(text("SELECT count(*) FROM tickets")) == 0
    assert "Load the sample" in client.get("/").text


def test_who_looks_only_has_no_buttons(stranger: TestClient) -> None:
    viewer = {"cookie": f"sid={new_session(Role.viewer)}"}
    page = stranger.get("/", headers=viewer).text
    assert "<button" not in page.split("<main")[1].split("</main>")[0]
