"""Setting up, settings and starting over in a real browser, on a small screen and without JavaScript, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import settings
from miner.models import Customer, JobRun
from tests.dashboard.browsing import skip_without_browser, visit
from tests.factories import TESTER, make_issue, make_theme, make_ticket

skip_without_browser()
from playwright.sync_api import Browser, Page, expect  # noqa: E402 - missing where the line above has skipped

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>" + "unbroken" * 9


@pytest.mark.parametrize("width", [320, 1280])
def test_settings_full_of_hostile_text_break_no_page(
    open_page: Callable[..., Page], session: Session, width: int
) -> None:
    values = {
        "areas": {HOSTILE: [HOSTILE]},
        "components": {HOSTILE: [HOSTILE]},
        "product": f"{HOSTILE}\n</textarea><script>alert(1)</script>" + "x" * 3000,
        "type_definitions": {"bug": HOSTILE},
        "customer_fields": {"plan": HOSTILE},
    }
    version = settings.save(session, settings.parse(values), by=TESTER, note=HOSTILE)
    session.execute(
        text("INSERT INTO zendesk_accounts (source, state, decided_by) VALUES (:source, 'synced', 'run 1')"),
        {"source": "zendesk:" + "unbroken" * 9},
    )
    session.commit()
    page = open_page(width)
    for path in ("", "/taxonomy", "/product", "/customers", "/versions", f"/compare?since={version - 1}", "/over"):
        visit(page, f"/settings{path}")
    page.goto("/settings/over")
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_mapping_is_tried_saved_and_taken_back_without_javascript(
    open_page: Callable[..., Page], session: Session
) -> None:
    session.add(Customer(source="zendesk:a", kind="organization", external_key="1", fields={"tags": ["plan_gold"]}))
    session.commit()
    page = open_page(390, java_script_enabled=False)
    page.goto("/settings")
    page.get_by_role("link", name="Change Customers").click()
    page.get_by_label("Plan").fill("tag:plan_*")
    page.get_by_role("button", name="See what it would change").click()
    expect(page.get_by_role("status")).to_contain_text("of 1 then; 1 would change")
    expect(page.get_by_label("Plan")).to_have_value("tag:plan_*")
    page.get_by_label("Why").fill("plans stand in tags")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    page.goto("/settings/versions")
    row = page.get_by_role("row").filter(has_text="plans stand in tags")
    row.get_by_role("link").click()
    expect(page.locator(".came")).to_contain_text("plan: tag:plan_*")
    page.get_by_role("button", name="Make it version").click()
    expect(page.get_by_role("status")).to_contain_text("in force again")
    session.rollback()
    assert settings.load(session)[1].customer_fields == {}


def test_two_people_at_once_are_shown_both(open_page: Callable[..., Page], browser: Browser, site: str) -> None:
    context = browser.new_context(base_url=site)  # it logs the 409 as an error, and that one is meant
    mine, theirs = context.new_page(), open_page()
    for page, value in ((mine, "3"), (theirs, "2")):
        page.goto("/settings/themes")
        page.get_by_label("Granularity").fill(value)
    theirs.get_by_role("button", name="Save").click()
    expect(theirs.get_by_role("status")).to_contain_text("Saved")
    with mine.expect_response("**/settings/themes") as answer:
        mine.get_by_role("button", name="Save").click()
    assert answer.value.status == 409
    expect(mine.get_by_role("alert")).to_contain_text("Somebody saved version")
    expect(mine.get_by_label("Granularity", exact=True)).to_have_value("3")
    mine.get_by_role("link", name="Take theirs instead").click()
    expect(mine.get_by_label("Granularity", exact=True)).to_have_value("2")
    context.close()


def test_a_first_start_goes_from_the_checklist_to_the_sample_and_back_without_javascript(
    open_page: Callable[..., Page], session: Session
) -> None:
    page = open_page(390, java_script_enabled=False)
    page.goto("/")
    page.get_by_role("button", name="Test now Zendesk").click()
    expect(page.locator("#zendesk .tested")).to_contain_text("set ZENDESK_SUBDOMAIN")
    page.get_by_label("What is the product?").fill("A time clock.")
    page.locator("#taxonomy").get_by_role("button", name="Save").click()
    expect(page.locator("#taxonomy")).to_contain_text("13 characters about the product")
    page.get_by_role("button", name="Load the sample").click()
    page.wait_for_url("**/runs/1")
    page.get_by_role("button", name="Cancel this run").click()
    make_issue(session, make_ticket(session, source="sample"), theme_id=make_theme(session).id)
    session.commit()
    page.goto("/start")
    page.get_by_label("Remove 1 ticket").check()
    page.get_by_role("button", name="Remove the sample").click()
    expect(page.get_by_role("status")).to_contain_text("The sample is removed")
    expect(page.get_by_role("button", name="Load the sample")).to_be_visible()


def test_starting_over_asks_to_type_the_account_without_javascript(
    open_page: Callable[..., Page], session: Session
) -> None:
    session.execute(
        text("INSERT INTO zendesk_accounts (source, state, decided_by) VALUES ('zendesk:acme', 'synced', 'run 1')")
    )
    make_issue(session, make_ticket(session, source="zendesk:acme", source_id="1", zendesk_ticket_id=1))
    session.commit()
    page = open_page(390, java_script_enabled=False)
    page.goto("/settings/over")
    page.locator("summary").get_by_text("Clear and sync again").click()
    expect(page.get_by_text("Forgets the text and comments of 1 ticket")).to_be_visible()
    form = page.locator("details[open]")
    form.get_by_label("Type zendesk:acme to confirm").fill("zendesk:acme")
    form.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("Cleared")
    session.rollback()
    assert session.query(JobRun).count() == 0
    assert session.scalar(text("SELECT count(*) FROM tickets WHERE gone_reason = 'cleared'")) == 1
