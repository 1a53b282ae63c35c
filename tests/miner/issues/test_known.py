"""Identical texts are asked about once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import db
from miner.issues.known import question_key
from miner.models import Analysis, Issue, Ticket
from miner.runs import lifecycle
from miner.runs.context import StepContext
from tests.factories import make_ticket
from tests.standins.claude.standin import StandIn
from tests.support.reading import configure, fill, has, issues, read

Steps = Callable[..., StepContext]
SAME = "Export\n\nThe export crashes every time."


def tickets(session: Session, count: int, said: str = SAME) -> list[Ticket]:
    found = [make_ticket(session, text=said) for _ in range(count)]
    session.commit()
    return found


def again(session: Session, context: StepContext) -> None:
    """End the run, so that another can begin."""
    with db.transaction() as own:
        lifecycle.complete(own, context.hold.claim)


def test_identical_texts_are_asked_about_once_and_each_ticket_has_its_issue(
    step: Steps, session: Session, claude: StandIn
) -> None:
    same, other = tickets(session, 6), fill(session, 2)
    make_ticket(session, text="Automatic reply: Export\n\nI am away.")
    session.commit()
    counters = read(session, step("analyze"))
    assert sum(len(call.tickets) for call in claude.calls) == 3
    assert (counters["tickets"], counters["issues"]) == (9, 8)
    assert (counters["identical"], counters["skipped"]) == (5, 1)
    found = issues(session)
    assert {issue.ticket_id for issue in found} == {ticket.id for ticket in (*same, *other)}
    assert all(issue.quote_verified for issue in found)
    rows = session.scalars(select(Analysis).where(Analysis.same_as.is_not(None))).all()
    assert [(row.input_tokens, row.cost_usd) for row in rows] == [(None, None)] * 5
    assert len({row.question for row in session.scalars(select(Analysis).where(Analysis.outcome == "issues"))}) == 1


def test_an_answer_without_an_issue_is_used_again_with_its_reason(
    step: Steps, session: Session, claude: StandIn
) -> None:
    tickets(session, 3, "Hello\n\nThank you all.")
    read(session, step("analyze"))
    reasons = session.scalars(select(Analysis.reason)).all()
    assert (len(claude.calls), len(reasons), len(set(reasons))) == (1, 3, 1)


@pytest.mark.parametrize("change", [{"product": "A clock"}, {"areas": {"Clock": []}}, {"language": "French"}])
def test_another_question_is_asked_anew(
    step: Steps, session: Session, claude: StandIn, change: dict[str, object]
) -> None:
    tickets(session, 1)
    context = step("analyze")
    read(session, context)
    again(session, context)
    configure(session, **change)
    tickets(session, 1)
    read(session, step("analyze"))
    assert len(claude.calls) == 2


def test_a_setting_that_changes_no_answer_asks_nothing_anew(step: Steps, session: Session, claude: StandIn) -> None:
    configure(session, smallest_theme=4)
    tickets(session, 1)
    context = step("analyze")
    read(session, context)
    again(session, context)
    configure(session, smallest_theme=5, calls_at_once=2)
    tickets(session, 1)
    assert read(session, step("analyze"))["identical"] == 1
    assert len(claude.calls) == 1


def test_an_answer_that_people_set_aside_is_not_used_again(step: Steps, session: Session, claude: StandIn) -> None:
    tickets(session, 1)
    context = step("analyze")
    read(session, context)
    again(session, context)
    session.execute(text("UPDATE issues SET retired_at = now(), retired_reason = 'not an issue'"))
    tickets(session, 1)
    read(session, step("analyze"))
    assert len(claude.calls) == 2


def test_a_ticket_that_is_to_be_read_again_is_read_again(step: Steps, session: Session, claude: StandIn) -> None:
    tickets(session, 1)
    context = step("analyze")
    read(session, context)
    again(session, context)
    session.execute(text("UPDATE tickets SET analyzed_at = NULL, analyzed_text_hash = NULL"))
    session.commit()
    read(session, step("analyze"))
    assert len(claude.calls) == 2
    assert len(session.scalars(select(Issue)).all()) == 1


def test_when_the_first_of_them_fails_the_others_are_still_read(step: Steps, session: Session, claude: StandIn) -> None:
    tickets(session, 3)
    fill(session, 1)
    claude.fail(
        when=has("every time"), times=3, change=lambda message: message.update(stop_reason="refusal", content=[])
    )
    counters = read(session, step("analyze"))
    outcomes = sorted(session.scalars(select(Analysis.outcome)).all())
    assert outcomes == ["failed", "issues", "issues", "issues"]
    assert counters["identical"] == 1


def test_the_key_holds_all_that_decides_an_answer() -> None:
    base = ("claude-haiku-5-5", "system", {"a": 1}, "")
    keys = {question_key(*base), question_key("claude-sonnet-5-5", *base[1:]), question_key(base[0], "s", *base[2:]),
            question_key(*base[:2], {"a": 2}, ""), question_key(*base[:3], "digest")}  # fmt: skip
    assert len(keys) == 5
    assert question_key(*base) == question_key(*base)
