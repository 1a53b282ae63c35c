"""The public Help Center: sections and articles in one locale, for anybody, without credentials.

Shapes after developer.zendesk.com, Help Center API, Articles and Sections.
"""

from __future__ import annotations

from typing import Any

from tests.standins.zendesk import words
from tests.standins.zendesk.account import Account
from tests.standins.zendesk.http import Answer, Rejected, Request
from tests.standins.zendesk.paging import page_of

LOCALE = "en-us"
SECTIONS = {7001: "Getting started", 7002: "Troubleshooting", 7003: "Billing"}


def invented() -> list[dict[str, Any]]:
    """An article for every third problem that customers write about, and a draft."""
    problems = words.PROBLEMS[::3]
    rows = [
        article(9001 + place, f"What to do when {problem}", section=7001 + place % len(SECTIONS),
                body=f"<h1>{problem}</h1><p>Open <b>Settings</b> &amp; try again.</p><script>alert(1)</script>")
        for place, problem in enumerate(problems)
    ]  # fmt: skip
    return [*rows, article(9900, "Not published yet", section=7001, body="<p>Draft</p>", draft=True)]


def article(number: int, title: str, *, section: int, body: str, draft: bool = False) -> dict[str, Any]:
    return {"id": number, "title": title, "name": title, "section_id": section, "body": body, "draft": draft,
            "locale": LOCALE, "html_url": f"https://help.acme.invalid/hc/{LOCALE}/articles/{number}",
            "updated_at": "2026-10-01T08:00:00Z", "promoted": False, "label_names": []}  # fmt: skip


def articles(account: Account, request: Request, locale: str) -> Answer:
    _check(locale)
    return Answer(200, page_of(request, account.store.articles, dict, name="articles", base=account.shapes.base))


def sections(account: Account, request: Request, locale: str) -> Answer:
    _check(locale)
    rows = [{"id": number, "name": name, "locale": LOCALE, "category_id": 7} for number, name in SECTIONS.items()]
    return Answer(200, page_of(request, rows, dict, name="sections", base=account.shapes.base))


def _check(locale: str) -> None:
    if locale != LOCALE:
        raise Rejected(404, {"error": "RecordNotFound", "description": "Not found"})
