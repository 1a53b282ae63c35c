"""Starting over as a page: numbers first, a confirmation, then what it says, and refused while a run works on it."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.models import AuditEntry, JobRun, Theme
from miner.runs.context import StepContext
from tests.dashboard.conftest import make_client
from tests.factories import make_issue, make_theme, make_ticket

SOURCE = "zendesk:acme"
ZENDESK = {"ZENDESK_SUBDOMAIN": "acme", "ZENDESK_OAUTH_TOKEN": "a-token"}


@pytest.fixture(autouse=True)
def account(session: Session) -> None:
    """Two tickets with an issue each, one of them corrected, and one of another brand."""
    session.execute(
        text("INSERT INTO zendesk_accounts (source, state, decided_by) VALUES (:source, 'synced', 'run 1')"),
        {"source": SOURCE},
    )
    theme, named = make_theme(session), make_theme(session, name_source="human")
    for number, columns in ((1, {}), (2, {"edited": {"type": "bug"}})):
        ticket = make_ticket(session, source=SOURCE, source_id=str(number), zendesk_ticket_id=number)
        make_issue(session, ticket, theme_id=(theme, named)[number - 1].id, **columns)
    gone = make_ticket(session, source=SOURCE, source_id="3", zendesk_ticket_id=3)
    gone.deleted_at, gone.gone_reason = gone.created_at, "brand"
    session.commit()


def counted(session: Session) -> tuple[int, int, int]:
    """All tickets, those that count, live issues."""
    session.rollback()
    row = session.execute(
        text("""
            SELECT (SELECT count(*) FROM tickets), (SELECT count(*) FROM tickets WHERE deleted_at IS NULL),
              (SELECT count(*) FROM issues WHERE retired_at IS NULL)""")
    ).one()
    return tuple(row)  # type: ignore[return-value]


def test_each_way_says_in_numbers_what_it_would_do(client: TestClient) -> None:
    page = unescape(client.get("/settings/over").text)
    assert "Dissolves 1 theme and groups their 1 issue anew" in page
    assert "Forgets the text and comments of 3 tickets" in page
    assert "about a minute at Zendesk. Reading them costs nothing" in page
    assert "Takes 2 tickets and 2 issues out of every count" in page
    assert "Removes 1 ticket of brands" in page
    assert "Removes 3 tickets, 2 issues and 1 correction for good" in page
    with make_client(ZENDESK | {"ANTHROPIC_API_KEY": "sk-ant-x"}) as other:
        page = unescape(other.get("/settings/over").text)
    assert "Reading 3 tickets: about $" in page


def test_themes_are_rebuilt_and_grouped_anew_at_once(client: TestClient, session: Session) -> None:
    answer = client.post("/settings/over", data={"do": "themes", "source": "", "sure": "yes"})
    run = session.query(JobRun).one()
    assert (answer.headers["location"], run.job_name) == (f"/runs/{run.id}", "cluster")
    session.rollback()
    assert session.query(Theme).where(Theme.retired_at.is_(None)).one().name_source == "human"


def test_clearing_starts_to_fetch_everything_again_where_an_account_is_configured(
    client: TestClient, session: Session
) -> None:
    form = {"do": "clear", "source": SOURCE, "typed": SOURCE}
    assert client.post("/settings/over", data=form).headers["location"] == "/settings/over"
    assert counted(session) == (3, 0, 0)
    with make_client(ZENDESK) as other:
        other.headers["sec-fetch-site"] = "same-origin"
        assert other.post("/settings/over", data=form).headers["location"] == "/runs/1"
    assert session.query(JobRun).one().job_name == "pipeline"


@pytest.mark.parametrize(
    ("do", "then"),
    [("hide", (3, 0, 0)), ("keep", (3, 2, 2)), ("purge", (2, 2, 2)), ("remove", (0, 0, 0))],
)
def test_an_account_is_hidden_kept_or_removed_and_it_is_written_down(
    client: TestClient, session: Session, do: str, then: tuple[int, int, int]
) -> None:
    form = {"do": do, "source": SOURCE, "typed": SOURCE, "sure": "yes"}
    assert client.post("/settings/over", data=form).headers["location"] == "/settings/over"
    assert counted(session) == then
    assert session.query(AuditEntry).where(AuditEntry.action.like("source.%")).count() == 1
    assert client.get("/settings/over").status_code == 200


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"do": "themes", "source": ""}, "Tick the box to confirm."),
        ({"do": "hide", "source": SOURCE}, "Tick the box to confirm."),
        ({"do": "remove", "source": SOURCE, "typed": "zendesk:acm", "sure": "yes"}, "Type zendesk:acme to confirm."),
        ({"do": "clear", "source": SOURCE}, "Type zendesk:acme to confirm."),
    ],
)
def test_what_is_not_confirmed_is_not_done(
    client: TestClient, session: Session, form: dict[str, str], sentence: str
) -> None:
    before = counted(session)
    answer = client.post("/settings/over", data=form)
    assert answer.status_code == 422
    assert sentence in unescape(answer.text)
    assert (counted(session), session.query(AuditEntry).count()) == (before, 0)


@pytest.mark.parametrize("job", ["sync", "analyze", "cluster"])
def test_it_is_refused_while_a_run_works_on_the_same(
    client: TestClient, session: Session, step: Callable[..., StepContext], job: str
) -> None:
    run_id = step(job).run_id
    assert f"Run {run_id}</a> is at work" in client.get("/settings/over").text
    answer = client.post("/settings/over", data={"do": "remove", "source": SOURCE, "typed": SOURCE})
    assert (answer.status_code, f"Go to run {run_id}" in answer.text) == (409, True)
    assert counted(session) == (3, 2, 2)


def test_what_cannot_be_is_said(client: TestClient) -> None:
    for form, status in (
        ({"do": "explode"}, 422),
        ({"do": "hide", "source": "zendesk:none", "sure": "yes"}, 404),
        ({"do": "hide", "source": "sample", "sure": "yes"}, 422),
    ):
        assert client.post("/settings/over", data=form).status_code == status
