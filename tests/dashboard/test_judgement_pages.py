"""Corrections, the weekly check and reading again: pages and API."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.access import Role
from miner.config import Config
from miner.issues.checks import answer_check, draw_check, list_items
from miner.issues.corrections import correct_issue, set_aside
from miner.issues.readers import LOCAL_VERSION
from miner.issues.rereading import apply_rereading
from miner.models import Correction, Issue, Rereading, Ticket, Trial, TrialReading
from tests.dashboard.conftest import make_client, new_token
from tests.factories import TESTER, make_analysis, make_issue, make_theme, make_ticket
from tests.support.reading import configure


def fresh(session: Session, issue_id: int) -> Issue:
    session.rollback()
    session.expire_all()
    return session.get_one(Issue, issue_id)


def read_ticket(session: Session) -> Issue:
    """An issue in a ticket that counts as read."""
    issue = make_issue(session)
    session.execute(text("UPDATE tickets SET analyzed_at = now(), analyzed_text_hash = text_hash"))
    session.commit()
    return issue


def test_the_form_of_a_ticket_corrects_what_differs(client: TestClient, session: Session) -> None:
    configure(session, areas={"Reports": ["export"]})
    theme, issue = make_theme(session, name="Exports"), make_issue(session)
    session.commit()
    page = client.get(f"/tickets/{issue.ticket_id}").text
    assert f'action="/issues/{issue.id}/correct"' in page
    assert "Reports" in page
    form = {"type": "friction", "severity": "medium", "area": "Reports", "theme": str(theme.id)}
    answer = client.post(f"/issues/{issue.id}/correct", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/tickets/{issue.ticket_id}#issue-{issue.id}")
    found = fresh(session, issue.id)
    assert (found.type, found.area, found.theme_id, found.theme_pinned) == ("friction", "Reports", theme.id, True)
    page = client.get(f"/tickets/{issue.ticket_id}").text
    for line in ("type: bug → friction", "area: none → Reports", "theme: none → Exports", "by local user"):
        assert line in page
    assert "severity:" not in page
    client.post(f"/issues/{issue.id}/correct", data=form)
    assert session.query(Correction).count() == 3


def test_unclear_is_listed_and_kept_by_the_form_but_offered_for_no_other_issue(
    client: TestClient, session: Session
) -> None:
    issue, other = make_issue(session, type="unclear"), make_issue(session)
    session.commit()
    assert [one["id"] for one in client.get("/api/issues?type=unclear").json()["items"]] == [issue.id]
    assert '<option value="unclear" selected>' in client.get(f"/tickets/{issue.ticket_id}").text
    assert 'value="unclear"' not in client.get(f"/tickets/{other.ticket_id}").text
    form = {"type": "unclear", "severity": "medium", "area": "", "theme": ""}
    client.post(f"/issues/{issue.id}/correct", data=form)
    assert session.query(Correction).count() == 0


@pytest.mark.parametrize(("field", "value"), [("theme", "x"), ("theme", "9" * 40), ("type", "no"), ("area", "no")])
def test_a_wrong_correction_is_refused(client: TestClient, session: Session, field: str, value: str) -> None:
    issue = make_issue(session)
    session.commit()
    assert client.post(f"/issues/{issue.id}/correct", data={field: value}).status_code == 422
    assert client.post("/issues/999/correct", data={"type": "bug"}).status_code == 404


def test_what_is_set_aside_leaves_the_lists_and_can_be_taken_back(client: TestClient, session: Session) -> None:
    issue = make_issue(session, summary="A very own summary")
    session.commit()
    client.post(f"/issues/{issue.id}/not-an-issue")
    assert "A very own summary" not in client.get("/issues").text
    page = client.get(f"/tickets/{issue.ticket_id}").text
    assert "not an issue" in page
    (made,) = session.query(Correction)
    client.post(f"/corrections/{made.id}/undo")
    assert "A very own summary" in client.get("/issues").text
    assert "taken back by local user" in client.get(f"/tickets/{issue.ticket_id}").text
    assert client.post(f"/corrections/{made.id}/undo").status_code == 422


def test_a_missed_passage_is_marked_and_a_wrong_one_keeps_what_was_typed(client: TestClient, session: Session) -> None:
    issue = make_issue(session)
    session.commit()
    form = {"passage": "never <said>", "type": "other", "severity": "low", "summary": "My words"}
    refused = client.post(f"/tickets/{issue.ticket_id}/missed", data=form)
    assert refused.status_code == 422
    assert "copy one passage of the ticket" in refused.text
    assert "never &lt;said&gt;</textarea>" in refused.text
    assert 'value="My words"' in refused.text
    answer = client.post(f"/tickets/{issue.ticket_id}/missed", data={**form, "passage": "the button"})
    assert answer.status_code == 303
    page = client.get(f"/tickets/{issue.ticket_id}").text
    assert "marked by a person" in page
    assert "<mark>the button</mark>" in page.replace("\n", "")


def test_a_viewer_sees_corrections_but_no_forms(stranger: TestClient, session: Session) -> None:
    issue = make_issue(session)
    correct_issue(session, issue.id, given={"type": "friction"}, by=TESTER)
    session.commit()
    key = {"authorization": f"Bearer {new_token(Role.viewer)}"}
    page = stranger.get(f"/tickets/{issue.ticket_id}", headers=key).text
    assert "type: bug → friction" in page
    assert "/correct" not in page
    assert "/undo" not in page
    assert stranger.post(f"/issues/{issue.id}/correct", data={"type": "bug"}, headers=key).status_code == 403


def test_the_api_corrects_marks_and_takes_back(client: TestClient, session: Session) -> None:
    issue = make_issue(session)
    session.commit()
    made = client.post(f"/api/issues/{issue.id}/corrections", json={"type": "friction", "area": None})
    assert (made.status_code, len(made.json()["corrections"])) == (201, 1)
    assert client.post(f"/api/issues/{issue.id}/corrections", json={"type": "friction"}).json() == {"corrections": []}
    correction = made.json()["corrections"][0]
    undone = client.post(f"/api/corrections/{correction}/undo")
    assert undone.json() == {"correction": correction, "issue": issue.id, "kind": "type"}
    missed = client.post(f"/api/tickets/{issue.ticket_id}/missed", json={"passage": "the button", "type": "other"})
    assert missed.status_code == 201
    assert client.post(f"/api/issues/{issue.id}/not-an-issue").status_code == 201
    assert fresh(session, issue.id).retired_reason == "not an issue"
    for path, body in (
        (f"/api/issues/{issue.id}/corrections", {"colour": "red"}),
        (f"/api/issues/{issue.id}/corrections", {"theme": "1"}),
        (f"/api/tickets/{issue.ticket_id}/missed", {"passage": "the button"}),
    ):
        assert client.post(path, json=body).status_code == 422, path


def test_the_check_is_drawn_judged_and_shown_beside_the_numbers(client: TestClient, session: Session) -> None:
    assert "is <span" not in client.get("/issues").text
    theme = make_theme(session, issue_count=2)
    for _ in range(2):
        make_issue(session, theme_id=theme.id)
    make_analysis(session, make_ticket(session), outcome="no_issue", issue_count=0, reason="thanks")
    session.commit()
    for path in ("/issues", "/"):
        page = client.get(path).text
        assert "not checked under settings version 1 by local-test" in page, path
    assert "Nothing was checked yet" in client.get("/check").text
    client.post("/check")
    page = client.get("/check").text
    assert "1 of 3, 0 judged" in page
    assert 'data-key="t"' in page
    items = list_items(session, 1)
    for item, verdict in zip(items, ("right", "wrong_theme", "wrong"), strict=True):
        assert client.post(f"/check/items/{item.id}", data={"verdict": verdict}).status_code == 303
    assert client.post(f"/check/items/{items[0].id}", data={"verdict": "maybe"}).status_code == 422
    page = client.get("/check").text
    assert "All 3 are judged" in page
    for path in ("/issues", "/"):
        page = client.get(path).text
        assert "100 % right, 34 to 100, 2 checked" in page, path
        assert "100 % of “no issue” answers missed one, 21 to 100, 1 checked" in page
        assert "50 % in the right theme, 9 to 91, 2 checked" in page
    assert "Is this report right?" in client.get(f"/check?item={items[0].id}").text


def test_an_answer_without_an_issue_shows_the_ticket(client: TestClient, session: Session) -> None:
    ticket = make_ticket(session, text="Hello\n\nThank you <b>all</b>.")
    make_analysis(session, ticket, outcome="no_issue", issue_count=0, reason="thanks")
    draw_check(session, by=TESTER)
    session.commit()
    page = client.get("/check").text
    assert "Thank you &lt;b&gt;all&lt;/b&gt;." in page
    assert "It missed one" in page


def test_a_check_of_last_week_makes_room_for_the_next(client: TestClient, session: Session) -> None:
    for _ in range(12):
        make_issue(session)
    check = draw_check(session, by=TESTER)
    for item in list_items(session, check.id):
        answer_check(session, item.id, verdict="right", by=TESTER)
    check.monday -= dt.timedelta(days=7)
    session.commit()
    assert "Draw this week" in client.get("/check").text
    client.post("/check")
    assert "1 of 2, 0 judged" in client.get("/check").text


def test_the_page_to_analyze_again_says_prices_and_starts_a_trial(client: TestClient, session: Session) -> None:
    read_ticket(session)
    page = client.get("/settings/again").text
    assert LOCAL_VERSION in page
    assert "Tickets that the built-in rules read" in page
    answer = client.post("/settings/again/trials", data={"sample": "5", "scope": "all"})
    assert answer.headers["location"] == "/runs/1"
    assert client.post("/settings/again/trials", data={"sample": "x"}).status_code == 422
    assert client.post("/settings/again/trials", data={"sample": "0", "scope": "all"}).status_code == 422


def test_with_a_key_what_the_rules_read_is_offered_with_its_price(database: str, session: Session) -> None:
    read_ticket(session)
    with make_client({"ANTHROPIC_API_KEY": "sk-test"}) as client:
        assert "Analyze again with Claude" in client.get("/issues").text
        page = client.get("/settings/again").text
        assert "claude-haiku-5-5" in page
        assert "about $0.00" in page


def a_trial(session: Session, issue: Issue) -> Trial:
    trial = Trial(scope="all", tickets=1, characters=9, sample=1, seed=1, analyzer="claude", model="claude-haiku-5-5",
                  settings_version=1, created_by="tester", finished_at=issue.created_at)  # fmt: skip
    session.add(trial)
    session.flush()
    row = {"type": "bug", "area": None, "severity": "low", "summary": "Lost one", "quote": "a", "start": 0, "end": 1,
           "verified": True, "edited": []}  # fmt: skip
    new = {**row, "summary": "Gained entirely", "quote": "b", "start": 5, "end": 6}
    session.add(TrialReading(trial_id=trial.id, ticket_id=issue.ticket_id, outcome="issues", before=[row], found=[new]))
    session.commit()
    return trial


def test_a_trial_shows_gained_and_lost_and_is_applied_and_taken_back(client: TestClient, session: Session) -> None:
    issue = read_ticket(session)
    trial = a_trial(session, issue)
    assert "what it would read was not tried here" in client.get(f"/settings/again/trials/{trial.id}").text
    assert client.post("/settings/again", data={"trial": str(trial.id)}).status_code == 422
    trial.model = LOCAL_VERSION
    session.commit()
    page = client.get(f"/settings/again/trials/{trial.id}").text
    for part in ("Lost one", "Gained entirely", "1 issue before, 1 after", "unknown", "Read all 1 ticket again"):
        assert part in page
    answer = client.post("/settings/again", data={"trial": str(trial.id)})
    assert answer.headers["location"] == "/runs/1"
    session.rollback()
    assert session.query(Ticket.analyzed_text_hash).scalar() == "again"
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()
    assert "Put back how it was before" in client.get("/settings/again").text
    assert client.post("/settings/again/1/undo").status_code == 303
    session.expire_all()
    assert session.query(Ticket.analyzed_text_hash).scalar() == issue.text_hash
    page = client.get("/settings/again").text
    assert "taken back" in page
    assert client.get("/settings/again/trials/999").status_code == 404


def test_reading_everything_again_needs_an_admin(stranger: TestClient, session: Session) -> None:
    trial = a_trial(session, read_ticket(session))
    apply_rereading(session, scope="all", config=Config.from_environment(), by=TESTER)
    session.commit()
    key = {"authorization": f"Bearer {new_token(Role.operator)}"}
    assert "Put back how" not in stranger.get("/settings/again", headers=key).text
    assert "again</button>" not in stranger.get(f"/settings/again/trials/{trial.id}", headers=key).text
    assert stranger.post("/settings/again", data={"scope": "all"}, headers=key).status_code == 403
    assert stranger.post("/settings/again/1/undo", headers=key).status_code == 403
    assert session.query(Rereading).count() == 1


def test_what_people_set_aside_is_not_offered_for_correction_again(client: TestClient, session: Session) -> None:
    issue = make_issue(session)
    set_aside(session, issue.id, by=TESTER)
    session.commit()
    page = client.get(f"/tickets/{issue.ticket_id}").text
    assert f"/issues/{issue.id}/correct" not in page
    assert client.post(f"/issues/{issue.id}/correct", data={"type": "bug"}).status_code == 422
