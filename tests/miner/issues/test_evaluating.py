"""A labelled set read by the local rules and by Claude: the real package, real HTTP, real Postgres."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.cli import main
from miner.config import Config
from miner.errors import BudgetReached, ClaudeTrouble, ConfigurationNeeded, UsageError
from miner.issues.checks import answer_check, draw_check, list_items
from miner.issues.corrections import correct_issue, mark_missed, set_aside
from miner.issues.evaluating import list_stored_cases, parse_configuration, run_evaluation
from miner.issues.evaluation import Result
from miner.issues.labels import read_cases
from miner.issues.readers import LOCAL_VERSION
from tests.factories import TESTER, make_analysis, make_issue, make_ticket
from tests.standins.claude.standin import StandIn
from tests.support.reading import configure


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    rows = [
        {"id": n, "subject": f"Export {n}", "text": f"The export of sheet {n} crashes.",
         "issues": [{"quote": f"The export of sheet {n} crashes.", "type": "bug"}]}
        for n in range(8)
    ]  # fmt: skip
    rows += [{"id": 100 + n, "text": "Thank you all.", "issues": []} for n in range(2)]
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def evaluate(session: Session, path: Path, spec: str = "claude") -> Result:
    config, cases = Config.from_environment(), read_cases(path)
    chosen = parse_configuration(session, spec, config=config, without=[])
    session.commit()
    return run_evaluation(chosen, cases, config=config)[0]


def calls(session: Session) -> list[tuple[object, ...]]:
    session.rollback()
    return [tuple(row) for row in session.execute(text("SELECT run_id, outcome, tickets FROM model_calls ORDER BY id"))]


def test_claude_reads_a_set_and_every_call_is_accounted_for(session: Session, claude: StandIn, labelled: Path) -> None:
    result = evaluate(session, labelled)
    assert (result.share("found").hits, result.share("found").of) == (8, 8)
    assert (result.share("tickets").hits, result.share("tickets").of) == (10, 10)
    assert calls(session) == [(None, "ok", 5), (None, "ok", 5)]
    assert result.dollars == session.scalar(text("SELECT sum(cost_usd) FROM model_calls"))
    assert session.scalar(text("SELECT count(*) FROM issues")) == 0
    assert result.name == "claude-haiku-5-5"


def test_the_local_rules_read_it_without_a_key_and_for_nothing(session: Session, labelled: Path) -> None:
    result = evaluate(session, labelled, "local")
    assert (result.share("quotes").value, result.dollars, result.failed) == (1.0, Decimal(0), 0)


def test_a_limit_on_money_holds_here_too_and_what_was_spent_is_kept(
    session: Session, claude: StandIn, labelled: Path
) -> None:
    configure(session, run_budget_usd=0.0013, tickets_per_call=1)
    with pytest.raises(BudgetReached, match="run_budget_usd"):
        evaluate(session, labelled)
    assert 0 < len(calls(session)) < 10


def test_an_outage_ends_it_with_a_sentence_and_lost_calls_are_told(
    session: Session, claude: StandIn, labelled: Path
) -> None:
    claude.fail(529, kind="overloaded_error", times=50)
    with pytest.raises(ClaudeTrouble, match="overloaded"):
        evaluate(session, labelled)
    assert calls(session) == []


def test_a_short_outage_is_waited_out(session: Session, claude: StandIn, labelled: Path) -> None:
    claude.fail(529, kind="overloaded_error")
    claude.fail(429, kind="rate_limit_error", headers={"retry-after-ms": "20"})
    assert evaluate(session, labelled).failed == 0


def test_a_model_that_refuses_everything_is_a_matter_of_configuration(
    session: Session, claude: StandIn, labelled: Path
) -> None:
    claude.fail(400, kind="invalid_request_error", message="no such shape", times=50)
    with pytest.raises(ConfigurationNeeded, match="refuses every request"):
        evaluate(session, labelled)


def test_what_people_said_here_is_a_set_too_and_teaches_nothing_while_it_is_scored(
    session: Session, claude: StandIn
) -> None:
    retyped, aside, missed = (make_issue(session) for _ in range(3))
    correct_issue(session, retyped.id, given={"type": "friction"}, by=TESTER)
    set_aside(session, aside.id, by=TESTER)
    mark_missed(session, missed.ticket_id, passage="every time I press the button", type_="ux_confusion", by=TESTER)
    session.commit()
    cases = {case.text.id: case for case in list_stored_cases(session, "corrections")}
    assert cases[retyped.ticket_id].labels[0].fields == {"type": "friction"}
    assert (cases[aside.ticket_id].labels[0].issue, cases[aside.ticket_id].has_issue) == (False, None)
    assert cases[missed.ticket_id].labels[0].fields["type"] == "ux_confusion"
    assert [case.complete for case in cases.values()] == [False] * 3
    config = Config.from_environment()
    taught = parse_configuration(session, "claude", config=config, without=[])
    scored = parse_configuration(session, "claude", config=config, without=list(cases.values()))
    assert (len(taught.taxonomy.examples), scored.taxonomy.examples) == (3, ())


def test_checks_are_a_set_of_what_was_right(session: Session) -> None:
    right, wrong = make_issue(session), make_issue(session)
    quiet = make_ticket(session)
    make_analysis(session, quiet, outcome="no_issue", issue_count=0, reason="thanks")
    with pytest.raises(UsageError, match="there are no checks yet"):
        list_stored_cases(session, "checks")
    verdicts = {right.ticket_id: "right", wrong.ticket_id: "wrong", quiet.id: "right"}
    for item in list_items(session, draw_check(session, by=TESTER).id):
        answer_check(session, item.id, verdict=verdicts[item.ticket_id], by=TESTER)
    session.commit()
    cases = {case.text.id: case for case in list_stored_cases(session, "checks")}
    assert set(cases) == {right.ticket_id, quiet.id}
    assert cases[right.ticket_id].labels[0].fields == {"type": "bug", "area": None, "severity": "medium"}
    assert (cases[quiet.id].complete, cases[quiet.id].has_issue) == (True, False)


def test_the_command_compares_two_readers_side_by_side(
    session: Session, claude: StandIn, labelled: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text('product = "A clock"\n')
    assert main(["eval", str(labelled), "--with", "local", "--against", f"claude@{own}", "--yes"]) == 0
    shown = capsys.readouterr()
    assert f"10 tickets. first: {LOCAL_VERSION}; second: claude-haiku-5-5@" in shown.out
    assert "labelled issues found" in shown.out
    assert "about $0.0" in shown.err
    assert "A clock" in claude.calls[0].body["system"][0]["text"]
    assert main(["eval", str(labelled), "--with", "local", "--against", "claude", "--yes", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["readers"]] == [LOCAL_VERSION, "claude-haiku-5-5"]
    assert found["readers"][1]["measures"]["found"]["hits"] == 8
    assert set(found["differences"]) == {"tickets", "found", "type", "area", "severity"}


def test_a_reader_may_have_an_older_version_of_the_settings(
    session: Session, claude: StandIn, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(session, product="A clock")
    assert main(["eval", str(labelled), "--with", "claude@1", "--against", "claude@2", "--yes"]) == 0
    told = ["A clock" in call.body["system"][0]["text"] for call in claude.calls]
    assert told == [False, False, True, True]
    assert main(["eval", str(labelled), "--with", "local@9"]) == 2
    assert "no settings version 9" in capsys.readouterr().err


def test_nothing_is_spent_without_a_yes(
    session: Session, claude: StandIn, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(labelled), "--with", "claude"]) == 2
    assert "nothing was spent: confirm with --yes" in capsys.readouterr().err
    assert claude.calls == []


def test_what_cannot_be_is_refused(session: Session, labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(labelled), "--with", "claude-haiku-5-5"]) == 4
    assert "set ANTHROPIC_API_KEY" in capsys.readouterr().err
    assert main(["eval", str(labelled), "--with", "local", "--against", "local"]) == 2
    assert main(["eval", str(labelled), "--with", "local@nowhere.toml"]) == 2
