"""A real browser on the real application, and what no page of it may do."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from dashboard.app import build_app
from miner.config import Config

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
try:
    from playwright.sync_api import Browser, Page, sync_playwright
except ImportError:
    missing: str | None = "playwright is not installed"
else:
    missing = None if CHROMIUM else "no chromium is installed"


def skip_without_browser() -> None:
    """For the top of a module of tests: by hand they are skipped visibly, in CI they fail."""
    if missing and not os.environ.get("CI"):
        pytest.skip(f"browser tests are skipped: {missing}", allow_module_level=True)


ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Runs before the page's own scripts and is not held back by its policy.
WATCH = """
window.blocked = [];
addEventListener("securitypolicyviolation", e => blocked.push(e.violatedDirective + " " + e.blockedURI));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert missing is None, missing
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def serve(environ: dict[str, str]) -> Iterator[str]:
    """The application on a free port of this machine; yields its address."""
    server = uvicorn.Server(
        uvicorn.Config(build_app(Config.from_environment(environ)), port=0, log_config=None, ws="none")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://localhost:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def site(database: str) -> Iterator[str]:
    with serve({}) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Makes pages, each in a context of its own; at the end none may have logged an error or opened a dialog."""
    opened: list[tuple[Page, list[str]]] = []

    def make(width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 844}, base_url=site, **options)
        page = context.new_page()
        page.add_init_script(WATCH)
        faults: list[str] = []
        page.on(
            "console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        opened.append((page, faults))
        return page

    yield make
    for page, faults in opened:
        assert faults == []
        page.context.close()


def visit(page: Page, path: str) -> None:
    """Open `path` and check that the policy blocked nothing and the page is no wider than the window."""
    page.goto(path)
    assert page.evaluate("window.blocked") == [], path
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], (path, wide)
