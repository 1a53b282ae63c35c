"""What every page says on top while a run waits for somebody, and the question about older tickets."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.access import Role
from miner.cli import main
from miner.models import AuditEntry, Backlog, JobRun
from tests.dashboard.conftest import new_session
from tests.factories import make_backlog, make_issue, make_run, make_theme, make_ticket

NOW = dt.datetime.now(dt.UTC)
PAGES = ("/", "/themes", "/issues", "/tickets", "/customers", "/runs", "/schedules", "/system", "/settings")


def waiting(session: Session, reason: str, detail: str) -> JobRun:
    run = make_run(
        session,
        job_name="pipeline",
        state="waiting",
        wait_reason=reason,
        wait_detail=detail,
        created_at=NOW,
        started_at=NOW,
        attempt=1,
        run_after=NOW + dt.timedelta(minutes=9),
    )
    session.commit()
    return run


def asked(session: Session, **columns: Any) -> Backlog:
    run = make_run(session, state="completed", created_at=NOW, started_at=NOW, finished_at=NOW, attempt=1)
    backlog = make_backlog(session, **{"run_id": run.id, **columns})
    session.commit()
    return backlog


def fill(session: Session) -> None:
    ticket = make_ticket(session)
    make_issue(session, ticket, theme_id=make_theme(session, issue_count=1).id)
    session.commit()


@pytest.mark.parametrize(
    ("reason", "detail", "said"),
    [
        ("configuration", "Claude refuses the key: set ANTHROPIC_API_KEY", "a change of its configuration"),
        ("configuration", "Claude does not know x, or it is retired: set MINER_MODEL", "a change of its configuration"),
        ("budget", "the account has reached its spending limit: raise it in the Claude Console", "money"),
    ],
)
def test_every_page_says_what_to_do_while_a_run_waits_for_somebody(
    client: TestClient, session: Session, reason: str, detail: str, said: str
) -> None:
    fill(session)
    run = waiting(session, reason, detail)
    for path in (*PAGES, f"/runs/{run.id}"):
        page = client.get(path).text
        assert f'<a href="/runs/{run.id}">Run {run.id} (Full pipeline)</a> waits for {said}: {detail}.' in page, path


@pytest.mark.parametrize("reason", ["rate_limit", "batch", "yield"])
def test_a_run_that_goes_on_by_itself_needs_no_banner(client: TestClient, session: Session, reason: str) -> None:
    waiting(session, reason, "Claude asks for a pause")
    for path in PAGES:
        assert "waits for" not in client.get(path).text


def test_the_banner_goes_when_the_run_is_over(client: TestClient, session: Session) -> None:
    run = waiting(session, "budget", "a limit is reached")
    client.post(f"/runs/{run.id}/cancel")
    assert "waits for money" not in client.get("/themes").text


def test_nobody_who_is_not_logged_in_reads_the_banner(stranger: TestClient, session: Session) -> None:
    waiting(session, "budget", "a limit is reached")
    assert "a limit" not in stranger.get("/login").text


def test_what_the_run_says_is_escaped(client: TestClient, session: Session) -> None:
    waiting(session, "configuration", "<script>alert(1)</script>")
    assert "<script>alert" not in client.get("/").text


def test_a_button_lets_the_run_look_again_at_once(client: TestClient, session: Session) -> None:
    run = waiting(session, "configuration", "set ANTHROPIC_API_KEY")
    assert "Look again now" in client.get(f"/runs/{run.id}").text
    answer = client.post(f"/runs/{run.id}/wake")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run.id}")
    session.rollback()
    due = session.scalar(text("SELECT run_after <= clock_timestamp() FROM job_runs WHERE id = :id"), {"id": run.id})
    assert due is True
    assert session.scalars(select(AuditEntry.action).where(AuditEntry.object_id == str(run.id))).all() == ["run.wake"]


def test_a_run_that_waits_for_nobody_is_not_woken(client: TestClient, session: Session) -> None:
    run = waiting(session, "rate_limit", "Claude asks for a pause")
    assert "Look again now" not in client.get(f"/runs/{run.id}").text
    client.post(f"/runs/{run.id}/wake")
    session.rollback()
    assert (
        session.scalar(
            text("SELECT run_after - started_at = interval '9 minutes' FROM job_runs WHERE id = :id"), {"id": run.id}
        )
        is True
    )
    assert session.scalars(select(AuditEntry)).all() == []
    assert client.post("/runs/999/wake").status_code == 404


def test_the_question_stands_on_the_week_and_on_its_run_with_price_and_time(
    client: TestClient, session: Session
) -> None:
    fill(session)
    backlog = asked(session)
    for path in ("/", f"/runs/{backlog.run_id}"):
        page = client.get(path).text
        assert "Read the 7,000 older ones too?" in page, path
        assert "About $0.85 to $3.10 and 5 to 40 minutes with claude-haiku-5-5" in page, path
        assert "by the prices of 23 Nov 2026" in page, path


def test_a_price_that_is_unknown_is_said_to_be(client: TestClient, session: Session) -> None:
    fill(session)
    asked(session, low_usd=None, high_usd=None, model="claude-fable-5-2")
    page = client.get("/").text
    assert "An unknown price (claude-fable-5-2 is not in the price list) and 5 to 40 minutes" in page
    assert "$0" not in page


def test_the_button_read_notes_the_answer_and_starts_the_pipeline(client: TestClient, session: Session) -> None:
    backlog = asked(session)
    answer = client.post(f"/backlogs/{backlog.id}/answer", data={"answer": "read"})
    session.rollback()
    run = session.scalars(select(JobRun).order_by(JobRun.id.desc()).limit(1)).one()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run.id}")
    assert (run.job_name, run.state, run.trigger) == ("pipeline", "queued", "button")
    session.refresh(backlog)
    assert (backlog.answer, backlog.answered_by) == ("read", "local user")
    assert "Read the 7,000" not in client.get("/").text


def test_read_is_noted_while_another_run_is_at_work(client: TestClient, session: Session) -> None:
    backlog = asked(session)
    client.post("/runs", data={"job": "analyze"})
    answer = client.post(f"/backlogs/{backlog.id}/answer", data={"answer": "read"})
    assert answer.headers["location"] == "/"
    assert "or the next one, reads the older tickets" in client.get("/").text
    session.refresh(backlog)
    assert backlog.answer == "read"


def test_the_button_leave_keeps_them_unread_and_offers_the_way_back(client: TestClient, session: Session) -> None:
    fill(session)
    backlog = asked(session)
    client.post(f"/backlogs/{backlog.id}/answer", data={"answer": "leave"})
    page = client.get("/").text
    assert "7,000 older tickets are left unread, as local user said" in page
    assert "Read after all" in page
    assert session.scalars(select(JobRun).where(JobRun.job_name == "pipeline")).all() == []


def test_an_answer_that_is_none_is_refused(client: TestClient, session: Session) -> None:
    backlog = asked(session)
    assert client.post(f"/backlogs/{backlog.id}/answer", data={"answer": "maybe"}).status_code == 422
    assert client.post("/backlogs/999/answer", data={"answer": "read"}).status_code == 404


def test_a_viewer_sees_the_question_and_may_not_answer(stranger: TestClient, session: Session) -> None:
    fill(session)
    backlog = asked(session)
    stranger.headers |= {"cookie": f"sid={new_session(Role.viewer)}", "sec-fetch-site": "same-origin"}
    page = stranger.get("/").text
    assert "Read the 7,000 older ones too?" in page
    assert '<button name="answer"' not in page
    assert stranger.post(f"/backlogs/{backlog.id}/answer", data={"answer": "read"}).status_code == 403


def test_the_api_lists_and_answers(client: TestClient, session: Session) -> None:
    backlog = asked(session)
    (one,) = client.get("/api/backlogs").json()["backlogs"]
    assert (one["id"], one["tickets"], one["low_usd"], one["answer"]) == (backlog.id, 7_000, 0.854, None)
    assert client.post(f"/api/backlogs/{backlog.id}", json={"answer": "x"}).status_code == 422
    assert client.post(f"/api/backlogs/{backlog.id}", json={}).status_code == 422
    answer = client.post(f"/api/backlogs/{backlog.id}", json={"answer": "read"}).json()
    session.rollback()
    run = session.get_one(JobRun, answer["run_id"])
    assert (run.job_name, run.trigger) == ("pipeline", "api")
    assert client.get("/api/backlogs").json() == {"backlogs": []}


def test_the_command_lists_and_answers(
    session: Session, capsys: pytest.CaptureFixture[str], client: TestClient
) -> None:
    assert main(["backlog", "read"]) == 2
    backlog = asked(session)
    assert main(["backlog", "list"]) == 0
    assert "7000" in (shown := capsys.readouterr().out)
    assert "about $0.85 to $3.10" in shown
    assert main(["backlog", "leave"]) == 0
    session.refresh(backlog)
    assert backlog.answer == "leave"
    assert main(["backlog", "read"]) == 2  # that was answered: it wants its number
    assert main(["backlog", "read", str(backlog.id)]) == 0
    session.refresh(backlog)
    assert backlog.answer == "read"
    assert "reads it" in capsys.readouterr().err
    assert main(["backlog", "list", "--json"]) == 0
    assert capsys.readouterr().out.strip() == "[]"
