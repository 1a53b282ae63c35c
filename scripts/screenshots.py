"""Take the README's pictures from a running demo: `python scripts/screenshots.py http://localhost:8000`."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent.parent / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def first(page: Page, base: str, listing: str, selector: str) -> None:
    """Open the first entry of a list page."""
    page.goto(base + listing)
    page.locator(selector).first.click()
    page.wait_for_load_state()


def main(base: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1180, "height": 800}, color_scheme="light")

        def take(name: str) -> None:
            page.wait_for_timeout(300)
            page.screenshot(path=IMAGES / f"{name}.png")

        page.goto(base + "/")
        take("week")
        first(page, base, "/themes", "main td a, main th a")
        take("theme")
        page.locator("main a[href^='/tickets/']").first.click()
        page.wait_for_load_state()
        take("ticket")
        page.goto(base + "/runs")
        take("runs")
        page.goto(base + "/runs/2")
        take("run")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000")
