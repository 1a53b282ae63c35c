"""What the Help Center adds to a reading: the outline in the prefix, three articles a ticket, the gap's article."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from miner.help_center.articles import Article
from miner.help_center.records import store_articles
from miner.issues.answer import NO_ARTICLE, Finding, HelpLink, Reading, TicketText, checked
from miner.issues.backlog import find_outlook
from miner.issues.knowledge import measure_prompt
from miner.issues.prompt import tickets_document
from miner.issues.wire import answer_schema
from miner.runs.context import StepContext
from miner.settings import Settings, load
from tests.factories import make_ticket
from tests.standins.claude import answers
from tests.standins.claude.standin import StandIn
from tests.support.reading import configure, issues, read

Steps = Callable[..., StepContext]
BASE = "https://help.example.com/hc/en-us"
LINKS = (HelpLink("Export", "Files", f"{BASE}/1"), HelpLink("Import", "Files", f"{BASE}/2"))


def publish(session: Session, *titles: str) -> None:
    configure(session, help_centers=[BASE], tickets_per_call=1)
    rows = [Article(BASE, n, title, "Files", f"{BASE}/articles/{n}", title) for n, title in enumerate(titles, 1)]
    store_articles(session, BASE, rows)
    session.commit()


def gap(article: str | None) -> Callable[[dict[str, Any]], str]:
    def say(body: dict[str, Any]) -> str:
        found = answers.answer(body)
        for row in found["answers"]:
            for issue in row["issues"]:
                issue |= {"type": "documentation_gap", "article": article}
        return json.dumps(found)

    return say


def test_the_outline_stands_in_the_prefix_and_each_ticket_has_its_nearest_articles(
    step: Steps, session: Session, claude: StandIn
) -> None:
    publish(session, "Export a sheet", "Change the password", "Invoice address", "Delete an account")
    make_ticket(session, text="Export\n\nI cannot find how to export a sheet.")
    make_ticket(session, text="Password\n\nWhere is the setting to change a password? It fails.")
    session.commit()
    read(session, step("analyze"))
    systems = {json.dumps(call.body["system"]) for call in claude.calls}
    assert len(systems) == 1
    assert "- Files: Change the password; Delete an account; Export a sheet; Invoice address" in systems.pop()
    first = {ticket["subject"]: ticket["articles"] for call in claude.calls for ticket in call.tickets}
    assert first["Export"][0] == {"id": "a1", "title": "Export a sheet", "section": "Files"}
    assert first["Password"][0]["title"] == "Change the password"
    assert {len(found) for found in first.values()} == {3}


def test_a_documentation_gap_names_the_article_that_should_have_answered_it(
    step: Steps, session: Session, claude: StandIn
) -> None:
    publish(session, "Export a sheet", "Change the password", "Invoice address")
    make_ticket(session, text="Export\n\nThe help on export fails to say where the button is.")
    session.commit()
    claude.fail(say=gap("a1"))
    read(session, step("analyze"))
    (issue,) = issues(session)
    assert (issue.facts["article"], issue.facts["article_url"]) == ("Export a sheet", f"{BASE}/articles/1")


def test_no_article_is_said_only_where_a_help_center_is_known() -> None:
    def facts(article: str | None, links: tuple[HelpLink, ...], kind: str = "documentation_gap") -> dict[str, str]:
        given = Finding(kind, "s", "help", article=article, facts={"problem": "p"})
        _, (found,) = checked(Reading(1, "issues", findings=(given,)), TicketText(1, "no help", articles=links))
        return dict(found.finding.facts)

    assert facts("a2", LINKS) == {"problem": "p", "article": "Import", "article_url": f"{BASE}/2"}
    assert facts(None, LINKS) == {"problem": "p", "article": NO_ARTICLE}
    assert facts("a9", LINKS) == {"problem": "p", "article": NO_ARTICLE}
    assert facts("a1", ()) == {"problem": "p"}
    assert facts("a1", LINKS, "bug") == {"problem": "p"}


def test_without_a_help_center_nothing_is_asked_about_articles(step: Steps, session: Session, claude: StandIn) -> None:
    make_ticket(session, text="Export\n\nIt crashes.")
    session.commit()
    read(session, step("analyze"))
    (call,) = claude.calls
    assert '"article"' not in json.dumps(call.body["output_config"])
    assert "About the Help Center" not in json.dumps(call.body["system"])
    assert "articles" not in call.tickets[0]
    assert '"enum": ["a1", "a2", "a3"]' in json.dumps(answer_schema({}, articles=3))
    assert "articles" not in tickets_document([TicketText(1, "x")])


def test_an_estimate_counts_the_articles_that_come_with_each_ticket(session: Session) -> None:
    make_ticket(session, text="Export\n\nIt crashes.")
    bare = find_outlook(session, settings=Settings(), model="claude-haiku-5-5")
    publish(session, *(f"How to export sheet {n}" for n in range(4)))
    _, current = load(session)
    size = measure_prompt(session, current, version=1)
    links = tuple(HelpLink(f"How to export sheet {n}", "Files", BASE) for n in range(3))
    with_articles, without = (len(tickets_document([TicketText(1, "Export", articles=shown)])) for shown in (links, ()))
    assert abs(size.a_ticket - (with_articles - without)) < 20
    told = find_outlook(session, settings=current, model="claude-haiku-5-5")
    assert bare.low is not None
    assert told.low is not None
    assert told.low > bare.low
