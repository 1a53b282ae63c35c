"""Pages on which people read, search and change themes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner.access import Role
from miner.models import AuditEntry, Issue, JobRun, Theme, ThemeEdit, ThemeLikeness, ThemeProposal
from miner.runs.context import StepContext
from miner.themes import cluster, edits, meaning
from tests.dashboard.conftest import new_token
from tests.factories import NOON, TESTER, make_issue, make_run, make_theme

EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error", "Exporting a CSV file fails"]
LOGIN = ["Cannot log in", "Login does not work", "The login fails", "Unable to log in since the update"]


@pytest.fixture
def grouped(session: Session, step: Callable[..., StepContext]) -> list[Issue]:
    """Two themes, of four issues each, and one issue that is not yet in one."""
    made = [make_issue(session, summary=one, quote=one) for one in [*EXPORT, *LOGIN, "Purple submarines hum"]]
    session.commit()
    cluster.run(step("cluster"))
    session.expire_all()
    return made


@pytest.fixture
def pair(session: Session) -> tuple[Theme, Theme, list[Issue]]:
    """A theme of three issues and another of one."""
    one, other = make_theme(session, name="Exports", issue_count=3), make_theme(session, name="Reports", issue_count=1)
    made = [make_issue(session, theme_id=one.id, summary=f"Summary {number}") for number in range(3)]
    made.append(make_issue(session, theme_id=other.id, summary="Summary of the other"))
    session.commit()
    return one, other, made


def tick(*issues: Issue, **fields: str) -> dict[str, str]:
    return {f"issue-{issue.id}": "on" for issue in issues} | fields


def fresh(session: Session, issue: Issue) -> Issue:
    session.expire_all()
    return session.get_one(Issue, issue.id)


def last_edit(session: Session) -> ThemeEdit:
    session.expire_all()
    return session.query(ThemeEdit).order_by(ThemeEdit.id.desc()).limit(1).one()


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_theme_says_what_is_said_in_it_and_what_that_rests_on(client: TestClient, session: Session) -> None:
    theme = make_theme(session, area="Reports", issue_count=2)
    issue = make_issue(session, theme_id=theme.id, quote="it crashes on my desk")
    theme.portrait = {
        "by": "claude",
        "sentences": [{"text": "People export to CSV and get nothing", "issues": [issue.id]}],
        "points": [{"text": "The file is empty", "count": 7, "issue": issue.id}],
        "quotes": [issue.id],
    }
    session.commit()
    page = client.get(f"/themes/{theme.id}").text
    for part in ("People export to CSV and get nothing.", "The file is empty 7 reports", "it crashes on my desk"):
        assert part in text_of(page)
    assert page.count(f'href="/tickets/{issue.ticket_id}#issue-{issue.id}"') == 4
    assert "/ Reports" in text_of(page)
    assert "language model" not in page
    theme.portrait = {**theme.portrait, "by": "terms"}
    session.commit()
    assert "without a language model" in client.get(f"/themes/{theme.id}").text


def test_what_has_no_verified_quote_is_flagged_and_told_beside_the_count(client: TestClient, session: Session) -> None:
    theme = make_theme(session, issue_count=1)
    make_issue(session, theme_id=theme.id)
    unverified = {"quote": "never said", "quote_start": None, "quote_end": None, "quote_verified": False}
    for _ in range(3):
        make_issue(session, theme_id=theme.id, severity="high", severity_phrase="all of us", **unverified)
    session.commit()
    page = text_of(client.get(f"/themes/{theme.id}").text)
    assert "Not counted: 3 issues whose quote was not found in the ticket." in page
    assert page.count("not found word for word, not counted") == 3
    listed = text_of(client.get("/issues?quotes=unverified").text)
    assert listed.count("quote not found in the ticket, not counted") == 3
    assert "assumed · " not in listed
    assert text_of(client.get("/issues").text).count("assumed · ") == 1


def test_a_theme_without_a_portrait_says_when_it_comes(client: TestClient, session: Session) -> None:
    theme = make_theme(session)
    session.commit()
    assert "put together by the next grouping" in client.get(f"/themes/{theme.id}").text


def test_similar_themes_are_suggested(client: TestClient, session: Session, grouped: list[Issue]) -> None:
    one, other = (fresh(session, grouped[place]).theme_id for place in (0, 4))
    page = client.get(f"/themes/{one}").text
    assert f'href="/themes/{other}"' in page[page.index("Similar themes") :]


def test_probably_the_same_is_merged_with_one_click_or_said_to_differ(
    client: TestClient, session: Session, pair: tuple[Theme, Theme, list[Issue]]
) -> None:
    one, other, issues = pair
    third = make_theme(session, name="Third")
    session.add(ThemeLikeness(theme_id=one.id, other_id=other.id, likeness=0.7))
    session.add(ThemeLikeness(theme_id=one.id, other_id=third.id, likeness=0.65))
    session.commit()
    page = client.get(f"/themes/{one.id}").text
    assert "Probably the same" in page
    assert f'action="/themes/{other.id}/merge"' in page
    assert client.post(f"/themes/{one.id}/differ", data={"other": str(third.id)}).status_code == 303
    answer = client.post(f"/themes/{other.id}/merge", data={"into": str(one.id)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/themes/{one.id}")
    assert fresh(session, issues[3]).theme_id == one.id
    assert client.get(f"/themes/{other.id}").headers["location"] == f"/themes/{one.id}"
    assert client.get(f"/themes/{other.id}/change").headers["location"] == f"/themes/{other.id}"
    page = client.get(f"/themes/{one.id}").text
    assert "Probably the same" not in page
    edit = last_edit(session)
    assert f'action="/themes/changes/{edit.id}/undo"' in page
    assert client.post(f"/themes/changes/{edit.id}/undo").headers["location"] == f"/themes/{one.id}"
    assert fresh(session, issues[3]).theme_id == other.id
    assert client.get(f"/themes/{other.id}").status_code == 200
    assert "undone by local user" in text_of(client.get("/themes/changes").text)
    actions = [entry.action for entry in session.query(AuditEntry).order_by(AuditEntry.id)]
    assert actions == ["theme.refuse_likeness", "theme.merge", "theme.undo"]


def test_a_name_is_given_and_taken_back(client: TestClient, pair: tuple[Theme, Theme, list[Issue]]) -> None:
    one, _, _ = pair
    assert client.post(f"/themes/{one.id}/rename", data={"name": "CSV exports"}).status_code == 303
    page = text_of(client.get(f"/themes/{one.id}").text)
    assert "CSV exports" in page
    assert "“Exports” → “CSV exports”" in page
    client.post("/themes/changes/1/undo")
    assert "<h1>Exports" in client.get(f"/themes/{one.id}").text


def test_ticked_issues_are_split_off_moved_held_and_let_go(
    client: TestClient, session: Session, pair: tuple[Theme, Theme, list[Issue]]
) -> None:
    one, other, issues = pair
    page = client.get(f"/themes/{one.id}/change").text
    assert page.count('type="checkbox"') == 3
    address = f"/themes/{one.id}/issues"
    answer = client.post(address, data=tick(issues[0], do="split", name="Split"))
    assert answer.headers["location"] == f"/themes/{fresh(session, issues[0]).theme_id}"
    assert session.get_one(Theme, fresh(session, issues[0]).theme_id).name == "Split"
    client.post(f"/themes/changes/{last_edit(session).id}/undo")
    assert fresh(session, issues[0]).theme_id == one.id
    client.post(address, data=tick(issues[0], issues[1], do="move", to=str(other.id)))
    assert [fresh(session, issue).theme_id for issue in issues] == [other.id, other.id, one.id, other.id]
    client.post(f"/themes/changes/{last_edit(session).id}/undo")
    assert (fresh(session, issues[1]).theme_id, fresh(session, issues[1]).theme_pinned) == (one.id, False)
    client.post(address, data=tick(issues[1], do="move", to="none"))
    assert fresh(session, issues[1]).theme_id is None
    assert client.post(address, data=tick(issues[2], do="pin")).headers["location"].endswith("/change#issues")
    assert fresh(session, issues[2]).theme_pinned
    assert "held here" in client.get(f"/themes/{one.id}/change").text
    client.post(address, data=tick(issues[2], do="unpin"))
    assert not fresh(session, issues[2]).theme_pinned


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("rename", {"name": " "}, "A name has 1 to 200 characters"),
        ("merge", {}, "Choose a theme"),
        ("merge", {"into": "{one}"}, "A theme cannot be merged with itself"),
        ("issues", {"do": "pin"}, "Tick at least one issue"),
        ("issues", {"issue-{first}": "on", "do": "move"}, "Choose a theme"),
        ("issues", {"issue-{first}": "on"}, "Press one of the buttons"),
        ("issues", {"issue-{foreign}": "on", "do": "split"}, "All of them must be issues of theme"),
    ],
)
def test_what_is_refused_shows_the_forms_again_with_the_reason(
    client: TestClient, session: Session, pair: tuple[Theme, Theme, list[Issue]], path: str, form: dict[str, str],
    said: str,
) -> None:  # fmt: skip
    one, _, issues = pair
    known = {"one": one.id, "first": issues[0].id, "foreign": issues[3].id}
    data = {name.format(**known): value.format(**known) for name, value in form.items()}
    answer = client.post(f"/themes/{one.id}/{path}", data=data)
    assert answer.status_code == 422
    assert said in text_of(answer.text)
    assert ("checked" in answer.text) == ("issue-{first}" in form)
    assert session.query(ThemeEdit).count() == 0


def test_what_is_not_there_cannot_be_changed(client: TestClient, pair: tuple[Theme, Theme, list[Issue]]) -> None:
    one, _, _ = pair
    assert client.post("/themes/999/rename", data={"name": "x"}).status_code == 404
    assert client.post("/themes/changes/999/undo").status_code == 404
    assert client.post(f"/themes/{one.id}/differ", data={"other": "999"}).status_code == 404
    assert client.post(f"/themes/{one.id}/differ", data={"other": "x"}).status_code == 422


def test_a_viewer_reads_changes_and_has_no_forms(
    stranger: TestClient, session: Session, pair: tuple[Theme, Theme, list[Issue]]
) -> None:
    one, other, _ = pair
    edits.rename_theme(session, one.id, name="Named", by=TESTER)
    session.add(ThemeLikeness(theme_id=one.id, other_id=other.id, likeness=0.7))
    session.commit()
    key = {"authorization": f"Bearer {new_token(Role.viewer)}"}
    page = stranger.get(f"/themes/{one.id}", headers=key).text
    assert "Probably the same" in page
    assert "“Named”" in page
    for hidden in ("/undo", "/merge", "/change"):
        assert f'{hidden}"' not in page
    assert stranger.get(f"/themes/{one.id}/change", headers=key).status_code == 403


@pytest.fixture
def proposal(session: Session) -> ThemeProposal:
    theme = make_theme(session, name="Exports", issue_count=9)
    made = ThemeProposal(
        granularity=2,
        smallest=3,
        known=900,
        moved=400,
        groups=[],
        differences=[
            {"id": theme.id, "name": "Exports", "before": 9, "after": 2, "came": 0, "went": 7},
            {"id": None, "name": "", "before": 0, "after": 7, "came": 7, "went": 0},
        ],
    )
    make_issue(session, theme_id=theme.id)
    session.add(made)
    session.commit()
    return made


def test_a_grouping_that_waits_is_noticed_shown_and_accepted(
    client: TestClient, session: Session, proposal: ThemeProposal
) -> None:
    for path in ("/", "/themes"):
        assert "would move 400 of 900 issues" in text_of(client.get(path).text), path
    page = text_of(client.get("/themes/proposal").text)
    assert "(44 %)" in page
    assert "Exports 9 2 0 7" in page
    assert "Not yet named new 0 7 7 0" in page
    form = {"proposal": str(proposal.id), "decision": "accept"}
    assert client.post("/themes/proposal", data=form).headers["location"] == "/themes/proposal"
    session.expire_all()
    assert (proposal.state, proposal.decided_by) == ("accepted", "local user")
    assert "Apply it now" in client.get("/themes/proposal").text
    assert "local user accepted is applied by the next run" in text_of(client.get("/themes").text)
    assert client.post("/themes/proposal", data=form).status_code == 422
    assert client.post("/themes/proposal", data={"decision": "accept"}).status_code == 422


def test_a_grouping_that_is_rejected_is_gone(client: TestClient, session: Session, proposal: ThemeProposal) -> None:
    client.post("/themes/proposal", data={"proposal": str(proposal.id), "decision": "reject"})
    session.expire_all()
    assert proposal.state == "rejected"
    assert "would move" not in client.get("/themes").text
    assert "No grouping waits" in client.get("/themes/proposal").text


def test_the_search_finds_names_first_and_then_what_is_close_in_meaning(
    client: TestClient, session: Session, grouped: list[Issue]
) -> None:
    export, login = (session.get_one(Theme, fresh(session, grouped[place]).theme_id) for place in (0, 4))
    login.name = "Authentication"
    session.commit()
    page = client.get("/themes", params={"text": "unable to log in"}).text
    assert "No theme has “unable to log in” in its name" in page
    meant = page[page.index("Close in meaning") :]
    assert f'href="/themes/{login.id}"' in meant
    export.name = "Login of exports"
    session.commit()
    page = client.get("/themes", params={"text": "login"}).text
    places = [page.index(part) for part in (" named so", "Login of exports", "Close in meaning", "Authentication")]
    assert places == sorted(places)
    assert page.count(f'href="/themes/{export.id}"') == 1
    assert "No issue uses these words either" in client.get("/themes", params={"text": "zebra"}).text


def test_meaning_is_that_of_the_issues_that_use_the_words(session: Session, grouped: list[Issue]) -> None:
    export, login = (fresh(session, grouped[place]).theme_id for place in (0, 4))
    assert meaning.search_by_meaning(session, words="the CSV file")[0].id == export
    assert meaning.search_by_meaning(session, words="LOGIN update")[0].id == login
    assert meaning.search_by_meaning(session, words="?! & |") == []
    assert meaning.search_by_meaning(session, words="zebra") == []


def test_neither_the_start_nor_a_search_loads_the_model_into_the_web_process() -> None:
    heavy = "{'onnxruntime', 'tokenizers', 'graspologic_native'}"
    code = (
        "import sys, dashboard.app\n"
        f"assert not {heavy} & set(sys.modules)\n"
        "import miner.themes.meaning, miner.themes.similar\n"
        f"assert not {heavy} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_issues_that_are_not_yet_a_theme_are_counted_and_listed(
    client: TestClient, session: Session, grouped: list[Issue]
) -> None:
    assert "Not yet a theme: 1 issue in groups of fewer than 3" in text_of(client.get("/themes").text)
    page = client.get("/issues?theme=none").text
    assert "Purple submarines hum" in page
    assert [text for text in (*EXPORT, *LOGIN) if text in page] == []


def test_issues_are_searched_by_their_words_page_by_page(client: TestClient, session: Session) -> None:
    for number in range(60):
        make_issue(session, summary=f"Time zone {number} is wrong")
    make_issue(session, summary="Something else")
    make_issue(session, summary="Elsewhere", quote="no time for zone changes")
    session.commit()
    seen: list[str] = []
    address = "/issues?text=time+zone"
    while address:
        page = client.get(address).text
        seen += re.findall(r'<h2><a href="[^"]+">([^<]+)</a>', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 61
    assert "Something else" not in seen
    assert "Time zone 7 is wrong" not in client.get('/issues?text="zone 8"').text
    assert "no issue holds all of these words" in client.get("/issues?text=zebra").text


def test_similar_issues_are_suggested_beside_a_ticket(
    client: TestClient, session: Session, grouped: list[Issue]
) -> None:
    issue = grouped[0]
    assert f'href="/issues/{issue.id}/similar"' in client.get(f"/tickets/{issue.ticket_id}").text
    page = client.get(f"/issues/{issue.id}/similar").text
    assert all(summary in page for summary in EXPORT)
    assert "suggestions" in page
    assert client.get("/issues/999999/similar").status_code == 404


def test_a_granularity_is_tried_by_a_worker(client: TestClient, session: Session) -> None:
    answer = client.post("/themes/granularity", data={"granularity": "1.5"})
    run = session.query(JobRun).one()
    assert answer.headers["location"] == f"/runs/{run.id}"
    assert (run.job_name, run.args) == ("preview", {"granularity": 1.5})
    done = {"state": "completed", "started_at": NOON, "created_at": NOON, "finished_at": NOON, "attempt": 1}
    counters = {"themes": 40, "issues_unplaced": 3}
    make_run(session, job_name="preview", args={"granularity": 1.5}, counters=counters, **done)
    session.commit()
    assert "Granularity 1.5: 40 themes , 3 issues not yet in one" in text_of(client.get("/themes/granularity").text)


@pytest.mark.parametrize("typed", ["9", "fine", "1,5"])
def test_a_granularity_that_is_none_is_refused_beside_its_field(
    client: TestClient, session: Session, typed: str
) -> None:
    answer = client.post("/themes/granularity", data={"granularity": typed})
    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.text
    assert 'class="fault"' in answer.text
    assert session.query(JobRun).count() == 0
