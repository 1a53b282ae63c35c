"""`miner themes ...` on a real database."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session

from miner.cli import main
from miner.models import Issue, Theme, ThemeProposal
from tests.factories import make_issue, make_theme


@pytest.fixture
def themes(session: Session, database: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int, list[int]]:
    monkeypatch.setenv("DATABASE_URL", database)
    one, other = make_theme(session), make_theme(session)
    issues = [make_issue(session, theme_id=one.id).id for _ in range(3)]
    make_issue(session, theme_id=other.id)
    session.commit()
    return one.id, other.id, issues


def test_themes_are_changed_and_changed_back(
    session: Session, themes: tuple[int, int, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    one, other, issues = themes
    assert main(["themes", "rename", str(one), "Exports"]) == 0
    assert main(["themes", "split", str(one), "Others", str(issues[0])]) == 0
    assert main(["themes", "merge", str(other), str(one)]) == 0
    assert main(["themes", "move", str(issues[1])]) == 0
    session.expire_all()
    assert session.get_one(Issue, issues[1]).theme_id is None
    changes = [line.rsplit(" ", 4)[1] for line in capsys.readouterr().out.splitlines()]
    assert len(changes) == 4
    for number in range(4, 0, -1):
        assert main(["themes", "undo", str(number)]) == 0
    session.expire_all()
    assert {session.get_one(Issue, issue).theme_id for issue in issues} == {one}
    assert session.get_one(Theme, one).name != "Exports"
    assert main(["themes", "undo", "1"]) == 2


def test_a_proposal_is_shown_and_decided_on(
    session: Session, themes: tuple[int, int, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["themes", "proposal"]) == 0
    row = {
        "granularity": 1,
        "smallest": 3,
        "known": 4,
        "moved": 3,
        "groups": [],
        "differences": [{"id": 1, "name": "x"}],
    }
    session.add(ThemeProposal(**row))
    session.commit()
    assert main(["themes", "proposal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["moved"] == 3
    assert main(["themes", "proposal"]) == 0
    assert main(["themes", "proposal", "--reject"]) == 0
    session.expire_all()
    assert session.query(ThemeProposal.state).scalar() == "rejected"


def test_a_granularity_is_tried(themes: tuple[int, int, list[int]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["themes", "preview", "0.5", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["granularity"] for one in found] == [0.5, 1.0, 2.0]
    assert {one["unread"] for one in found} == {4}


def test_a_theme_is_followed_up_and_set_back(
    session: Session, themes: tuple[int, int, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    one, other, _ = themes
    assert main(["themes", "status", str(one), "fixed", "--at", "2026-11-03T09:00", "--version", "7.2.1"]) == 0
    assert main(["themes", "owner", str(one), "Ada"]) == 0
    assert main(["themes", "note", str(one), "Waits"]) == 0
    assert main(["themes", "link", str(one), "https://jira.example.com/browse/APP-7"]) == 0
    session.expire_all()
    theme = session.get_one(Theme, one)
    assert (theme.status, theme.fixed_version, theme.owner) == ("fixed", "7.2.1", "Ada")
    assert theme.fixed_at is not None
    assert theme.fixed_at.isoformat() == "2026-11-03T09:00:00+00:00"
    assert "`miner themes set-back 1` takes it back" in capsys.readouterr().out
    assert main(["themes", "owner", str(one), "Ada"]) == 0
    assert "nothing differs" in capsys.readouterr().err
    assert main(["themes", "link", str(other), "https://jira.example.com/browse/APP-7"]) == 2
    assert f"linked to theme {one} already" in capsys.readouterr().err
    assert main(["themes", "status", str(one), "fixed", "--at", "soon"]) == 2
    for line in (2, 1):
        assert main(["themes", "set-back", str(line)]) == 0
    assert main(["themes", "set-back", "1"]) == 2
    session.expire_all()
    assert (session.get_one(Theme, one).status, session.get_one(Theme, one).owner) == ("new", None)


def test_a_theme_is_printed_for_a_tracker(
    themes: tuple[int, int, list[int]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = str(themes[0])
    assert main(["themes", "tracker", one]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("# Export fails")
    assert "links back" in said.err
    monkeypatch.setenv("PUBLIC_URL", "https://issues.example.com")
    assert main(["themes", "tracker", one, "--format", "jira", "--names"]) == 0
    said = capsys.readouterr()
    assert f"[The theme in Product Issue Miner|https://issues.example.com/themes/{one}]" in said.out
    assert said.err == ""
    assert main(["themes", "tracker", "999"]) == 2
