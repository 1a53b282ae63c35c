"""The way in, and what an attacker tries there, in a real browser."""

from __future__ import annotations

import pyotp
import pytest

from miner import db, users
from miner.access import Role
from tests.dashboard.browsing import WATCH, serve, skip_without_browser, visit
from tests.dashboard.conftest import new_token
from tests.factories import TESTER

skip_without_browser()
from playwright.sync_api import Browser, Page, expect  # noqa: E402 - missing where the line above has skipped

pytestmark = pytest.mark.browser
PASSWORD = "green tea and a lot of rain"


def invite(role: Role) -> str:
    with db.transaction() as session:
        return users.create_user(session, email="ada@example.com", name="Ada", role=role, by=TESTER)[1]


def come_in(page: Page, key: str) -> str:
    """From the one-time link through the second factor to the week; returns the secret."""
    visit(page, f"/welcome?key={key}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.wait_for_url("**/login/enrol")
    assert page.evaluate("document.querySelector('img[width=\"200\"]').naturalWidth") > 0
    assert page.evaluate("window.blocked") == []
    secret = page.locator("code").first.inner_text().replace(" ", "")
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "also on the narrowest phone"
    assert page.locator(".codes li").first.bounding_box()["height"] < 40, "a code stands on one line"  # type: ignore[index]
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    return secret


@pytest.mark.parametrize("javascript", [True, False])
def test_from_the_link_to_the_dashboard_and_back_in_with_a_recovery_code(
    browser: Browser, database: str, javascript: bool
) -> None:
    new_token()
    with serve({"HOST": "0.0.0.0"}) as site:
        context = browser.new_context(base_url=site, viewport={"width": 320, "height": 844})
        page = context.new_page()
        page.add_init_script(WATCH)
        come_in(page, invite(Role.operator))
        context.close()
        if not javascript:
            context = browser.new_context(base_url=site, java_script_enabled=False)
            page = context.new_page()
            page.goto("/themes")
            page.get_by_label("E-mail address").fill("ada@example.com")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in", exact=True).click()
            page.wait_for_url("**/login/code?next=*")
            context.close()


def test_a_stolen_cookie_is_worth_nothing_after_the_logout(browser: Browser, database: str) -> None:
    new_token()
    with serve({"HOST": "0.0.0.0"}) as site:
        context = browser.new_context(base_url=site)
        page = context.new_page()
        page.add_init_script(WATCH)
        come_in(page, invite(Role.operator))
        stolen = context.cookies()
        assert [one["httpOnly"] for one in stolen if one["name"] == "sid"] == [True]
        assert page.evaluate("document.cookie") == ""
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login")
        thief = browser.new_context(base_url=site)
        thief.add_cookies(stolen)  # type: ignore[arg-type]
        page = thief.new_page()
        page.goto("/runs")
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        thief.close()
        context.close()


def test_a_form_on_another_site_uses_nobodys_session(browser: Browser, database: str) -> None:
    new_token()
    with serve({"HOST": "0.0.0.0"}) as site:
        context = browser.new_context(base_url=site)
        page = context.new_page()
        page.add_init_script(WATCH)
        come_in(page, invite(Role.admin))
        fields = '<input name="email" value="eve@evil.example"><input name="role" value="admin"><button>Win'
        form = f'<form method="post" action="{site}/users">{fields}'
        page.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body=form))
        page.goto("http://evil.example/")
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", name="Refused")).to_be_visible()
        with db.transaction() as session:
            assert users.find_user(session, "eve@evil.example") is None
        context.close()
