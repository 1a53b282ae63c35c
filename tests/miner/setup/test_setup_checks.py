"""Testing each step of setting up: real answers, sentences that say what to do, an end to every test."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import settings
from miner.access import Role
from miner.config import Config
from miner.errors import NotFound, Refused, UsageError
from miner.findings import FAILED, OK, Finding
from miner.models import SETUP_STEPS, AuditEntry, SetupCheck
from miner.runs.workers import Identity, record_beat
from miner.setup import checks
from miner.setup.checks import record_check, run_check
from miner.setup.steps import is_due, list_steps
from tests.factories import NOON, TESTER, VIEWER, make_run, make_theme, make_ticket
from tests.standins.claude.standin import StandIn as ClaudeStandIn
from tests.standins.zendesk.standin import StandIn as ZendeskStandIn
from tests.support.mirror import config_for

NOTHING = Config.from_environment({})


def found(step: str, config: Config = NOTHING, **options: Any) -> tuple[str, str]:
    """The states and all sentences."""
    findings = run_check(step, config, lease_seconds=60, **options)
    return " ".join(one.state for one in findings), "\n".join(one.sentence for one in findings)


def with_claude(claude: ClaudeStandIn, **environ: str) -> Config:
    return Config.from_environment({"ANTHROPIC_API_KEY": claude.key, "ANTHROPIC_BASE_URL": claude.base_url, **environ})


def steps(session: Session, config: Config = NOTHING) -> dict[str, Any]:
    session.rollback()
    _, current = settings.load(session)
    return {one.name: one for one in list_steps(session, config, current=current, lease_seconds=60, now=NOON)}


def test_zendesk_and_its_brands_are_asked_for_real(database: str, zendesk: ZendeskStandIn) -> None:
    states, said = found("zendesk", config_for(zendesk))
    assert set(states.split()) == {OK}
    assert "It may export tickets" in said
    before = len(zendesk.log)
    assert found("brand", config_for(zendesk, zendesk_brand_ids=(99,))) == (
        FAILED,
        found("brand", config_for(zendesk, zendesk_brand_ids=(99,)))[1],
    )
    assert len(zendesk.log) - before <= 4
    assert "ZENDESK_SUBDOMAIN" in found("zendesk")[1]


def test_claude_is_asked_what_costs_nothing(session: Session, claude: ClaudeStandIn) -> None:
    states, said = found("claude", with_claude(claude))
    assert states == "ok warning ok"
    assert "The key works" in said
    assert "no limit for a month" in said
    assert claude.billed == []
    settings.save(session, settings.parse({"month_budget_usd": 20}), by=TESTER)
    session.commit()
    assert "A month may cost $20.00" in found("claude", with_claude(claude))[1]


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"ANTHROPIC_API_KEY": "sk-wrong"}, "set ANTHROPIC_API_KEY to a valid one"),
        ({"MINER_MODEL": "claude-none"}, "set MINER_MODEL"),
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"ANTHROPIC_API_KEY": "", "MINER_ANALYZER": "claude"}, "set ANTHROPIC_API_KEY"),
    ],
)
def test_what_is_wrong_with_claude_says_what_to_set(
    database: str, claude: ClaudeStandIn, environ: dict[str, str], word: str
) -> None:
    states, said = found("claude", with_claude(claude, **environ))
    assert states.startswith(FAILED)
    assert word in said


def test_without_a_key_the_local_analyzer_is_said_to_read(database: str) -> None:
    assert found("claude") == (OK, "The local analyzer reads: it costs nothing and sends nothing anywhere")


def test_a_missing_worker_is_a_finding_of_its_own(session: Session) -> None:
    states, said = found("schedule")
    assert states.startswith("failed warning")
    assert "No worker is alive" in said
    record_beat(session, Identity("worker", threads=1))
    session.execute(text("INSERT INTO beats (name, at) VALUES ('tick', now())"))
    session.commit()
    states, said = found("schedule")
    assert set(states.split()) == {OK}
    assert "0 2 * * * in UTC" in said


def test_the_areas_are_tried_on_the_tickets_that_are_there(session: Session) -> None:
    make_ticket(session, text="Export\n\nThe export to CSV fails.")
    settings.save(session, settings.parse({"areas": {"Export": ["csv"], "Clock": ["clock in"]}}), by=TESTER)
    session.commit()
    states, said = found("taxonomy")
    assert "100 % show the words of an area" in said
    assert "No text shows these areas: Clock" in said
    assert FAILED not in states


def test_a_test_that_hangs_ends_and_no_other_begins_meanwhile(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, begun = threading.Event(), threading.Event()

    def hang(*_: object) -> list[Finding]:
        begun.set()
        go_on.wait(60)
        return []

    monkeypatch.setattr(checks, "_findings", hang)
    assert "There was no answer within 0.05 s" in found("zendesk", seconds=0.05)[1]
    assert begun.is_set()
    with pytest.raises(UsageError, match="another test is at work"):
        run_check("claude", NOTHING, lease_seconds=60)
    go_on.set()
    assert checks._busy.acquire(timeout=10)
    checks._busy.release()


def test_a_test_that_breaks_says_so_without_its_words(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[Finding]:
        raise RuntimeError("a secret")

    monkeypatch.setattr(checks, "_findings", fail)
    assert found("login") == (FAILED, "The test itself broke (RuntimeError): the log has the rest")
    with pytest.raises(NotFound):
        run_check("nothing", NOTHING, lease_seconds=60)


def test_the_last_result_is_kept_with_who_asked_and_written_down(session: Session) -> None:
    for state in (FAILED, OK):
        record_check(session, "login", [Finding(OK, "fine"), Finding(state, "or not")], config=NOTHING, by=TESTER)
    row = session.scalars(select(SetupCheck)).one()
    assert (row.state, row.checked_by, row.findings[1]) == (OK, "code tester", {"state": OK, "sentence": "or not"})
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "setup.check")).all()) == 2
    with pytest.raises(Refused):
        record_check(session, "login", [], config=NOTHING, by=VIEWER)
    assert VIEWER.role == Role.viewer


def test_steps_say_what_is_missing_and_by_which_variables(session: Session) -> None:
    now = steps(session)
    assert list(now) == list(SETUP_STEPS)
    assert {name: one.state for name, one in now.items()} == {
        "zendesk": "todo", "brand": "done", "taxonomy": "warning", "claude": "done", "schedule": "todo",
        "login": "warning",
    }  # fmt: skip
    assert [(variable.name, given) for variable, given in now["zendesk"].variables] == [
        ("ZENDESK_SUBDOMAIN", False), ("ZENDESK_OAUTH_CLIENT_ID", False), ("ZENDESK_OAUTH_CLIENT_SECRET", False),
    ]  # fmt: skip


def test_a_step_is_ready_once_it_was_tested_as_it_is_configured_now(session: Session, zendesk: ZendeskStandIn) -> None:
    config = config_for(zendesk)
    assert steps(session, config)["zendesk"].state == "untested"
    for finding, state in ((Finding(OK, "fine"), "done"), (Finding(FAILED, "no"), "failed")):
        record_check(session, "zendesk", [finding], config=config, by=TESTER)
        session.commit()
        assert steps(session, config)["zendesk"].state == state
    other = config_for(zendesk, zendesk_oauth_client_id="another")
    assert (steps(session, other)["zendesk"].state, steps(session, other)["zendesk"].stale) == ("untested", True)


def test_setting_up_is_due_until_a_pipeline_has_completed_on_tickets_or_a_theme_is_there(session: Session) -> None:
    assert is_due(session)
    make_run(session, job_name="pipeline", state="completed", started_at=NOON, created_at=NOON, finished_at=NOON)
    assert is_due(session)
    make_ticket(session)
    assert not is_due(session)
    session.execute(text("DELETE FROM job_runs"))
    assert is_due(session)
    make_theme(session)
    assert not is_due(session)
