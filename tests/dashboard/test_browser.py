"""The pages in a real browser: nothing is blocked, nothing overflows, everything also works without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from miner import db, tokens
from miner.access import Role
from miner.runs import lifecycle
from miner.runs.workers import Identity, record_beat
from tests.dashboard.browsing import serve, skip_without_browser, visit
from tests.dashboard.conftest import new_token
from tests.dashboard.hostile import store_hostile_rows
from tests.factories import TESTER, make_issue, make_theme

skip_without_browser()
from playwright.sync_api import Browser, Page, expect  # noqa: E402 - missing where the line above has skipped

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/themes",
    "/issues",
    "/tickets",
    "/customers",
    "/runs",
    "/schedules",
    "/system",
    "/settings",
    "/settings/again",
    "/settings/taxonomy",
    "/settings/product",
    "/settings/time",
    "/settings/budget",
    "/settings/customers",
    "/settings/reading",
    "/settings/versions",
    "/settings/compare",
    "/settings/over",
    "/start",
    "/check",
    "/login",
    "/account",
    "/tokens",
    "/users",
    "/audit",
    "/weeks/2026-W40",
    "/?from=2026-10-26&to=2026-11-22&against_from=2025-01-01",
]


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (390, "dark"), (1280, "light")])
def test_no_page_is_blocked_or_wider_than_its_window_even_with_hostile_text(
    open_page: Callable[..., Page], session: Session, width: int, scheme: str
) -> None:
    addresses = store_hostile_rows(session)
    page = open_page(width, color_scheme=scheme)
    for path in dict.fromkeys([*PAGES, *addresses]):
        visit(page, path)


def test_a_button_leads_to_the_page_of_its_run_which_follows_it_to_the_end(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/runs")
    page.get_by_label("Backfill days").first.fill("7")
    page.get_by_role("button", name="Sync now").click()
    page.wait_for_url("**/runs/1")
    expect(page.get_by_role("status")).to_have_text("The run is queued.")
    expect(page.locator("#live")).to_contain_text("Sync tickets is queued")
    identity = Identity("worker", threads=1)
    with db.transaction() as session:
        record_beat(session, identity)
        claim = lifecycle.claim(session, 1, identity.id)
    assert claim is not None
    expect(page.locator("#live")).to_contain_text("has been running", timeout=10_000)
    with db.transaction() as session:
        lifecycle.complete(session, claim)
    expect(page.locator("#live")).to_contain_text("Sync tickets completed", timeout=10_000)
    assert page.locator("[hx-trigger]").count() == 0


def test_an_update_keeps_what_somebody_types_opens_or_has_in_focus(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/runs")
    page.get_by_role("button", name="Update trends").click()
    page.wait_for_url("**/runs/1")
    page.goto("/runs")
    field = page.locator("#sync-backfill_days")
    page.get_by_text("Housekeeping").click()
    field.fill("42")
    for _ in range(2):
        with page.expect_response("**/runs/live*", timeout=10_000):
            pass
    page.wait_for_function("document.querySelector('#live').dataset.htmxPowered === 'true'")
    expect(page.get_by_role("button", name="Cut the history")).to_be_visible()
    expect(field).to_have_value("42")
    expect(field).to_be_focused()
    expect(page.locator("#job-trends")).to_contain_text("run 1")


def test_updates_can_be_paused(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/runs")
    page.get_by_role("button", name="Update trends").click()
    page.wait_for_url("**/runs/1")
    page.get_by_role("button", name="Pause updates").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(3):
        page.evaluate("htmx.trigger('#live', 'every')")
    assert asked == []
    with page.expect_response("**/runs/1/live", timeout=10_000):
        page.get_by_role("button", name="Resume updates").click()


def test_everything_works_without_javascript(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/runs")
    expect(page.get_by_role("button", name="Pause updates")).to_have_count(0)
    page.get_by_role("button", name="Run pipeline").click()
    page.wait_for_url("**/runs/1")
    expect(page.locator("#live")).to_contain_text("Full pipeline is queued")
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    page.get_by_role("button", name="Cancel this run").click()
    expect(page.locator("#live")).to_contain_text("was cancelled by local user")
    page.goto("/runs")
    page.get_by_label("State").select_option("cancelled")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("table.runs tbody tr")).to_have_count(1)


def test_keys_lead_to_search_pages_and_help(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/runs")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/themes")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("g r?")
    expect(page.locator("#search")).to_have_value("g r?")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_ticket_is_corrected_and_taken_back_without_javascript(
    open_page: Callable[..., Page], session: Session
) -> None:
    issue = make_issue(session)
    session.commit()
    page = open_page(390, java_script_enabled=False)
    page.goto(f"/tickets/{issue.ticket_id}")
    page.get_by_text("Correct", exact=True).click()
    page.locator(f"#correct-{issue.id}-type").select_option("friction")
    page.get_by_role("button", name="Keep the correction").click()
    expect(page.get_by_role("status")).to_contain_text("The correction is kept")
    expect(page.get_by_text("type: bug → friction")).to_be_visible()
    page.get_by_text("Mark one that was missed").click()
    page.get_by_label("The customer’s words").fill("every time I press")
    page.get_by_role("button", name="Mark it").click()
    expect(page.get_by_text("marked as missed: bug")).to_be_visible()
    page.get_by_role("button", name="Take it back").last.click()
    expect(page.locator("del")).to_have_text("type: bug → friction")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_check_is_judged_with_one_key_or_one_button_each(
    open_page: Callable[..., Page], session: Session, scripts: bool
) -> None:
    theme = make_theme(session)
    for _ in range(3):
        make_issue(session, theme_id=theme.id)
    session.commit()
    page = open_page(java_script_enabled=scripts)
    page.goto("/check")
    page.get_by_role("button", name="Draw this week").click()
    for number, (key, name) in enumerate((("y", "Right y"), ("t", "Right, wrong theme t"), ("n", "Wrong n")), 1):
        expect(page.get_by_text(f"{number} of 3")).to_be_visible()
        if scripts:
            page.keyboard.press(key)
        else:
            page.get_by_role("button", name=name).click()
    expect(page.get_by_text("All 3 are judged")).to_be_visible()
    expect(page.get_by_text("67 % right, 21 to 94, 3 checked")).to_be_visible()


def test_the_skip_link_comes_first_and_leads_to_the_content(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/themes")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_quote_of_the_week_leads_to_its_mark_in_the_ticket(open_page: Callable[..., Page], session: Session) -> None:
    store_hostile_rows(session)
    page = open_page()
    page.goto("/")
    page.locator(".said a").first.click()
    page.wait_for_url("**/tickets/*#issue-*")
    expect(page.locator("mark").first).to_be_in_viewport()


def test_an_open_page_goes_to_the_login_when_its_session_ends(browser: Browser, database: str) -> None:
    token = new_token(Role.operator)
    new_token()
    with serve({"HOST": "0.0.0.0"}) as site:
        context = browser.new_context(base_url=site)
        page = context.new_page()
        page.goto("/runs")
        page.wait_for_url("**/login?next=*")
        page.get_by_text("Use an API token instead").click()
        page.get_by_label("Token", exact=True).fill(token)
        page.get_by_role("button", name="Log in with a token").click()
        page.wait_for_url("**/runs")
        page.get_by_role("button", name="Update trends").click()
        page.wait_for_url("**/runs/1")
        with db.transaction() as session:
            tokens.revoke_token(session, token.split("_")[1], by=TESTER)
        page.wait_for_url("**/login", timeout=10_000)
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        context.close()


def test_a_form_on_another_site_does_nothing_here(browser: Browser, site: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    form = f'<form method="post" action="{site}/runs"><input name="job" value="trends"><button>Win'
    page.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body=form))
    page.goto("http://evil.example/")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Refused")).to_be_visible()
    with db.transaction() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM job_runs").scalar() == 0
    context.close()
