"""`miner issue` and `miner check`: what people say, from the command line."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session

from miner.cli import main
from miner.models import CheckItem, Correction, Issue
from tests.factories import make_issue, make_theme

Capture = pytest.CaptureFixture[str]


def test_an_issue_is_corrected_set_aside_marked_and_all_is_taken_back(session: Session, capsys: Capture) -> None:
    issue, theme = make_issue(session), make_theme(session)
    session.commit()
    number = str(issue.id)
    assert main(["issue", "correct", number, "--type", "friction", "--theme", str(theme.id)]) == 0
    assert "corrections 1, 2 are made" in capsys.readouterr().err
    assert main(["issue", "correct", number, "--type", "friction", "--area", "none"]) == 0
    assert "nothing changes" in capsys.readouterr().err
    assert main(["issue", "missed", str(issue.ticket_id), "the button", "--type", "other"]) == 0
    assert main(["issue", "not-an-issue", number]) == 0
    assert main(["issue", "undo", "4"]) == 0
    assert main(["issue", "undo", "1"]) == 0
    session.expire_all()
    found = session.get_one(Issue, issue.id)
    assert (found.type, found.theme_id, found.retired_at) == ("bug", theme.id, None)
    assert {row.created_by.split()[0] for row in session.query(Correction)} == {"cli"}


def test_what_cannot_be_corrected_is_said_in_a_sentence(session: Session, capsys: Capture) -> None:
    issue = make_issue(session)
    session.commit()
    number = str(issue.id)
    for arguments, words in (
        (["correct", number], "say what to correct"),
        (["correct", number, "--type", "x"], "choose one of bug"),
        (["correct", number, "--theme", "x"], "give a theme's id, or none"),
        (["correct", "999", "--type", "bug"], "no issue 999"),
        (["missed", str(issue.ticket_id), "never said", "--type", "bug"], "word for word"),
        (["undo", "7"], "no correction 7"),
    ):
        assert main(["issue", *arguments]) == 2
        assert words in capsys.readouterr().err


def test_a_check_is_drawn_judged_and_scored(session: Session, capsys: Capture) -> None:
    assert main(["check", "show"]) == 2
    assert "nothing was drawn yet" in capsys.readouterr().err
    make_issue(session)
    session.commit()
    assert main(["check", "draw", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["kind"], row["verdict"]) == ("issue", None)
    assert main(["check", "answer", str(row["item"]), "right"]) == 0
    assert main(["check", "show"]) == 0
    assert "right" in capsys.readouterr().out
    assert session.query(CheckItem.answered_by).scalar().startswith("cli")
    assert main(["check", "scores"]) == 0
    assert "100 % right, 21 to 100, 1 checked" in capsys.readouterr().out
