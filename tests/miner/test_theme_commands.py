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
