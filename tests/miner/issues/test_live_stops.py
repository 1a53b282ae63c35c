"""What stops reading with Claude, and what is kept when it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.errors import (
    BudgetReached,
    CancelRequested,
    ClaudeTrouble,
    ConfigurationNeeded,
    MinerError,
    RateLimited,
    RunLost,
)
from miner.issues import analyze, asking, live
from miner.issues.pending import count_pending
from miner.models import Analysis, JobRunStep, ModelCall
from miner.runs.context import Skip, StepContext
from tests.factories import make_ticket
from tests.standins.claude.standin import StandIn
from tests.support.reading import configure, fill, has, issues, read

Steps = Callable[..., StepContext]


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        ({"status": 401}, ConfigurationNeeded, "ANTHROPIC_API_KEY"),
        ({"status": 404}, ConfigurationNeeded, "MINER_MODEL"),
        ({"status": 429, "code": "enforced_spend_limit_reached"}, BudgetReached, "Claude Console"),
        ({"status": 429, "headers": {"retry-after": "7"}}, RateLimited, "pause"),
    ],
)
def test_what_stops_all_calls_ends_the_turn_and_loses_nothing(
    step: Steps, session: Session, claude: StandIn, fault: dict[str, Any], error: type[MinerError], sentence: str
) -> None:
    fill(session, 30)
    context = step("analyze")
    claude.fail(**fault, when=has("sheet 9 "), times=1)
    with pytest.raises(error, match=sentence):
        read(session, context)
    before = count_pending(session)
    assert 5 <= before < 30
    asked = len(claude.calls)
    read(session, context)
    assert count_pending(session) == 0
    assert len(issues(session)) == 30
    assert sum(len(call.tickets) for call in claude.calls[asked:]) == before


def test_a_short_pause_is_spent_in_place(step: Steps, session: Session, claude: StandIn) -> None:
    fill(session, 10)
    claude.fail(429, headers={"retry-after": "0.2"}, times=2)
    read(session, step("analyze"))
    assert len(issues(session)) == 10


def test_trouble_that_passes_is_survived_and_trouble_that_stays_makes_the_run_wait(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "IN_PLACE_SECONDS", 0.05)
    fill(session, 5)
    claude.fail(529, times=2)
    context = step("analyze")
    read(session, context)
    assert len(issues(session)) == 5
    fill(session, 5, "The import of sheet {} crashes.")
    claude.fail(529, times=99)
    before = len(claude.calls)
    with pytest.raises(ClaudeTrouble, match="overloaded") as raised:
        read(session, context)
    assert raised.value.retryable
    assert len(claude.calls) - before == asking.TROUBLES
    assert count_pending(session) == 5


def test_a_request_that_is_never_accepted_blames_the_configuration_and_no_ticket(
    step: Steps, session: Session, claude: StandIn
) -> None:
    fill(session, 3)
    claude.fail(400, kind="invalid_request_error", message="effort is not supported", times=99)
    with pytest.raises(ConfigurationNeeded, match="effort is not supported"):
        read(session, step("analyze"))
    assert count_pending(session) == 3


def test_a_request_that_is_refused_among_others_blames_its_ticket(
    step: Steps, session: Session, claude: StandIn
) -> None:
    fill(session, 4)
    bad = make_ticket(session, text="Odd\n\nThe poison crashes.")
    session.commit()
    claude.fail(400, kind="invalid_request_error", when=has("poison"), times=99)
    read(session, step("analyze"))
    failed = session.scalars(select(Analysis).where(Analysis.outcome == "failed")).one()
    assert (failed.ticket_id, failed.reason) == (bad.id, "Claude refused the request")
    assert len(issues(session)) == 4


def test_a_missing_key_never_falls_back_once_claude_was_used(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(session, 1)
    read(session, step("analyze"))
    fill(session, 1)
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(ConfigurationNeeded, match="MINER_ANALYZER=local"):
        read(session, step("analyze"))
    assert count_pending(session) == 1
    monkeypatch.setenv("MINER_ANALYZER", "local")
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()
    read(session, step("analyze"))
    assert [issue.analyzer for issue in issues(session)] == ["claude", "local"]


def test_claude_asked_for_without_a_key_waits_and_auto_without_one_reads_locally(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(session, 1)
    monkeypatch.setenv("MINER_ANALYZER", "claude")
    with pytest.raises(ConfigurationNeeded, match="ANTHROPIC_API_KEY"):
        analyze.run(step("analyze"))
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()
    monkeypatch.setenv("MINER_ANALYZER", "auto")
    assert not isinstance(analyze.run(step("analyze")), Skip)
    assert [issue.analyzer for issue in issues(session)] == ["local"]


def test_a_run_asked_to_stop_keeps_the_answers_that_are_under_way(
    step: Steps, session: Session, claude: StandIn
) -> None:
    configure(session, calls_at_once=4, tickets_per_call=1)
    fill(session, 20)
    context = step("analyze")
    plain, lock = claude.answer, threading.Lock()
    asked: list[int] = []

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        with lock:
            asked.append(1)
            if len(asked) == 5:
                context.hold.cancel.set()
        return plain(body)

    claude.answer = answer
    with pytest.raises(CancelRequested):
        read(session, context)
    session.rollback()
    assert len(session.scalars(select(ModelCall.id)).all()) == len(claude.calls) < 20
    assert count_pending(session) == 20 - len(claude.calls)
    assert session.scalars(select(JobRunStep.done)).one() == len(claude.calls)


def test_a_killed_run_makes_again_at_most_the_calls_under_way(step: Steps, session: Session, claude: StandIn) -> None:
    configure(session, calls_at_once=4, tickets_per_call=1)
    fill(session, 20)
    context = step("analyze")
    plain = claude.answer

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        if len(claude.calls) >= 9:
            context.hold.lost.set()  # the worker is gone: nothing it does is kept from here on
        return plain(body)

    claude.answer = answer
    with pytest.raises(RunLost):
        read(session, context)
    claude.answer = plain
    context.hold.lost.clear()
    for thread in threading.enumerate():
        if thread.name.startswith("claude"):
            thread.join(10)  # the last calls come in
    before = len(claude.calls)
    stored = 20 - count_pending(session)
    read(session, context)
    assert len(issues(session)) == 20
    assert len(claude.calls) - before == 20 - stored
    assert len(claude.calls) <= 20 + 2 * 4  # those under way, and those that had come in but were not stored
