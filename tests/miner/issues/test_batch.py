"""Reading in batches as a step: the real package, real HTTP, real Postgres, the stand-in's batches."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.errors import BudgetReached, ConfigurationNeeded, RateLimited
from miner.issues import analyze, batch_send, batch_take, batching
from miner.issues.pending import count_pending
from miner.issues.prices import Tokens, cost
from miner.models import Analysis, Backlog, JobRun, ModelBatchRequest, ModelCall, Ticket
from miner.runs.context import StepContext
from tests.factories import NOON, make_ticket
from tests.standins.claude import answers
from tests.standins.claude.batches import errored
from tests.standins.claude.standin import StandIn, tickets_of
from tests.support.batches import batches, in_batches, last_turn, send_batch, times_billed, turn
from tests.support.reading import configure, fill, has, issues, sums

Steps = Callable[..., StepContext]
OLD = NOON - dt.timedelta(days=365)  # the newest are read first


def test_a_batch_is_sent_waited_for_without_a_thread_and_taken(step: Steps, session: Session, claude: StandIn) -> None:
    in_batches(session)
    tickets = fill(session, 9)
    make_ticket(session, text="Automatic reply: Export\n\nI am away.")
    session.commit()
    context = step("analyze")
    said = turn(session, context)
    assert said.startswith("Claude works on a batch of 4 requests at half the price")
    assert batches(session) == [("submitted", 4)]
    assert len(claude.calls) == 1, "one call is made live before, to see that the parameters are accepted"
    claude.batches.polls_until_end = 2
    turn(session, context)
    last_turn(session, context)
    assert batches(session) == [("ingested", 4)]
    assert {issue.ticket_id for issue in issues(session)} == {ticket.id for ticket in tickets}
    for issue in issues(session):
        ticket = session.get_one(Ticket, issue.ticket_id)
        assert ticket.text[issue.quote_start : issue.quote_end] == issue.quote
        assert (issue.quote_verified, issue.analyzer, issue.type) == (True, "claude", "bug")
    assert set(times_billed(claude).values()) == {1}
    assert session.scalars(select(ModelBatchRequest.id)).all() == []
    counters = session.get_one(JobRun, context.run_id).counters
    assert (counters["tickets"], counters["issues"]) == (10, 9)


def test_what_a_batch_used_is_booked_at_half_the_price_and_sums_up(
    step: Steps, session: Session, claude: StandIn
) -> None:
    context = send_batch(session, step, 8)
    last_turn(session, context)
    tokens, dollars, read_tokens, read_dollars = sums(session)
    assert tokens == read_tokens
    assert dollars == read_dollars
    expected = Decimal(0)
    for _, usage in claude.billed:
        spent = Tokens(
            sent=usage["input_tokens"],
            written=usage["cache_creation_input_tokens"],
            read=usage["cache_read_input_tokens"],
            received=usage["output_tokens"],
        )
        expected += cost("claude-haiku-5-5", spent, batch=usage["service_tier"] == "batch") or 0
    assert dollars == expected
    assert session.get_one(JobRun, context.run_id).counters["cost_usd"] == pytest.approx(float(dollars))
    calls = session.scalars(select(ModelCall).order_by(ModelCall.id)).all()
    assert [call.batch_id is None for call in calls] == [True, False, False, False]
    assert all(call.request_id for call in calls)


def test_requests_of_a_batch_are_those_of_live_calls_without_the_cache_unless_asked_for(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session)
    fill(session, 4)
    turn(session, step("analyze"))
    live, batch = claude.calls[0].body, claude.batches.all[0].requests[0]["params"]
    assert {**batch, "messages": 0, "system": 0} == {**live, "messages": 0, "system": 0}
    assert batch["system"][0]["text"] == live["system"][0]["text"]
    assert "cache_control" not in batch["system"][0]
    session.execute(text("DELETE FROM job_run_keys"))
    in_batches(session, cache_in_batches=True)
    fill(session, 4, "The import of sheet {} crashes.")
    claude.batches.polls_until_end = 1
    turn(session, step("analyze"))
    assert claude.batches.all[-1].requests[0]["params"]["system"][0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize(("waiting", "reading", "sent"), [
    (6, "auto", 1), (5, "auto", 0), (6, "live", 0), (3, "batch", 1),
])  # fmt: skip
def test_batches_are_taken_above_the_threshold_or_as_the_settings_say(
    step: Steps, session: Session, claude: StandIn, waiting: int, reading: str, sent: int
) -> None:
    configure(session, reading=reading, batch_above=5, tickets_per_call=1, tickets_per_batch_call=1)
    fill(session, waiting)
    context = step("analyze")
    if sent:
        turn(session, context)
    else:
        analyze.run(context)
    assert len(claude.batches.all) == sent


def test_no_more_tickets_are_sent_than_asked_for(step: Steps, session: Session, claude: StandIn) -> None:
    in_batches(session)
    fill(session, 12)
    context = step("analyze", {"batch_size": 7})
    turn(session, context)
    last_turn(session, context)
    assert sum(times_billed(claude).values()) == 7
    assert count_pending(session) == 5


def test_more_than_one_batch_holds_are_sent_side_by_side(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_send, "MOST_REQUESTS", 2)
    monkeypatch.setattr(batch_take, "CHUNK", 1)
    context = send_batch(session, step, 12)
    assert batches(session) == [("submitted", 2), ("submitted", 2), ("submitted", 1)]
    last_turn(session, context)
    assert len(issues(session)) == 12
    assert set(times_billed(claude).values()) == {1}


def test_only_what_expired_failed_or_was_cancelled_by_others_is_sent_again(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session, tickets_per_call=1)
    fill(session, 7)
    context = step("analyze")
    fates = iter([{"type": "expired"}, errored("api_error"), {"type": "canceled"}, errored("overloaded_error")])
    claude.batches.fate = lambda request: next(fates, None)
    turn(session, context)
    turn(session, context)
    assert batches(session) == [("ingested", 6), ("submitted", 4)]
    assert count_pending(session) == 4
    last_turn(session, context)
    assert len(issues(session)) == 7
    assert set(times_billed(claude).values()) == {1}


def test_a_request_that_is_never_answered_is_given_up_and_its_tickets_say_so(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session, tickets_per_call=1)
    fill(session, 3)
    bad = make_ticket(session, text="Odd\n\nThe poison crashes.", created_at=OLD)
    session.commit()
    context = step("analyze")
    claude.batches.fate = lambda request: {"type": "expired"} if has("poison")(request["params"]) else None
    for _ in range(batching.MOST_TRIES):
        turn(session, context)
    last_turn(session, context)
    failed = session.scalars(select(Analysis).where(Analysis.outcome == "failed")).one()
    assert (failed.ticket_id, failed.reason) == (bad.id, "Claude gave no answer in 3 batches")
    assert len(issues(session)) == 3
    assert set(times_billed(claude).values()) == {1}


@pytest.mark.parametrize("mode", ["batch", "auto"])
def test_answers_that_are_wrong_are_asked_again_alone_as_live_ones_are(
    step: Steps, session: Session, claude: StandIn, mode: str
) -> None:
    configure(session, reading=mode, batch_above=5, tickets_per_call=3, tickets_per_batch_call=3)
    fill(session, 9)
    context = step("analyze")

    def say(body: dict[str, Any]) -> str:
        found = answers.answer(body)
        found["answers"][1]["issues"][0].update(quote="Nobody said this.")
        return json.dumps(found)

    turn(session, context)
    claude.fail(say=say, times=2)
    if mode == "batch":
        turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 9
    assert all(issue.quote_verified for issue in issues(session))
    again = [tickets_of(body) for body, _ in claude.billed][3:]
    assert [len(one) for one in again] == [1, 1]
    assert [one["service_tier"] for _, one in claude.billed[3:]] == ["batch" if mode == "batch" else "standard"] * 2
    assert sums(session)[0] == sums(session)[2], "a ticket's cost holds its wrong answers too"


def test_a_refused_ticket_is_isolated_and_parked_and_its_neighbours_are_read(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session, tickets_per_call=4)
    fill(session, 3)
    bad = make_ticket(session, text="Odd\n\nThe poison crashes.")
    fill(session, 4, "The import of sheet {} crashes.")
    context = step("analyze")
    refuse: Any = lambda message: message.update(stop_reason="refusal", content=[])  # noqa: E731
    claude.fail(when=has("poison"), times=9, change=refuse)
    for _ in range(3):  # in company, alone, and on the second model
        turn(session, context)
    last_turn(session, context)
    failed = session.scalars(select(Analysis).where(Analysis.outcome == "failed")).one()
    assert (failed.ticket_id, failed.reason) == (bad.id, "Claude declined to read it")
    assert len(issues(session)) == 7


def test_a_request_of_a_batch_holds_more_tickets_than_a_live_call(
    step: Steps, session: Session, claude: StandIn
) -> None:
    configure(session, reading="batch")
    fill(session, 5 + 16)
    context = step("analyze")
    turn(session, context)
    last_turn(session, context)
    sizes = [(usage["service_tier"], len(tickets_of(body))) for body, usage in claude.billed]
    assert sizes == [("standard", 5), ("batch", 8), ("batch", 8)]
    assert len(issues(session)) == 21


def test_in_a_batch_too_the_second_model_reads_what_the_first_declines(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session, tickets_per_call=1)
    fill(session, 3)
    make_ticket(session, text="Odd\n\nThe poison crashes.", created_at=OLD)
    session.commit()
    context = step("analyze")
    refuse: Any = lambda message: message.update(stop_reason="refusal", content=[])  # noqa: E731
    poison = has("poison")
    claude.fail(when=lambda body: body["model"] == "claude-haiku-5-5" and poison(body), times=9, change=refuse)
    turn(session, context)
    turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 4
    assert Counter(session.scalars(select(Analysis.model))) == {"claude-haiku-5-5": 3, "claude-sonnet-5-5": 1}
    assert sums(session)[1] == sums(session)[3]


def test_a_request_that_is_refused_as_invalid_among_others_blames_its_ticket(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session, tickets_per_call=1)
    fill(session, 3)
    make_ticket(session, text="Odd\n\nThe poison crashes.", created_at=OLD)
    session.commit()
    context = step("analyze")
    claude.batches.fate = lambda request: errored("invalid_request_error") if has("poison")(request["params"]) else None
    turn(session, context)
    last_turn(session, context)
    failed = session.scalars(select(Analysis).where(Analysis.outcome == "failed")).one()
    assert failed.reason == "Claude refused the request"
    assert len(issues(session)) == 3


def test_a_batch_that_is_refused_as_a_whole_blames_the_configuration_and_no_ticket(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session, tickets_per_call=1)
    fill(session, 4)
    context = step("analyze")
    claude.batches.fate = lambda request: errored("invalid_request_error", "thinking is not supported in batches")
    turn(session, context)
    with pytest.raises(ConfigurationNeeded, match="thinking is not supported in batches"):
        last_turn(session, context)
    session.rollback()
    assert count_pending(session) == 3
    claude.batches.fate = lambda request: None
    turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 4


def test_requests_that_failed_for_want_of_credit_make_the_run_wait_for_money(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session, tickets_per_call=1)
    fill(session, 4)
    context = step("analyze")
    poor = iter([errored("invalid_request_error", "Your credit balance is too low to access the API")])
    claude.batches.fate = lambda request: next(poor, None)
    turn(session, context)
    with pytest.raises(BudgetReached, match="credit"):
        last_turn(session, context)
    session.rollback()
    assert (count_pending(session), len(issues(session))) == (1, 3)
    turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 4


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        ({"status": 429, "headers": {"retry-after": "77"}}, RateLimited, "pause"),
        ({"status": 400, "kind": "invalid_request_error", "message": "no such thing"}, ConfigurationNeeded, "no such"),
        ({"status": 400, "message": "Your credit balance is too low"}, BudgetReached, "credit"),
        ({"status": 401, "kind": "authentication_error"}, ConfigurationNeeded, "ANTHROPIC_API_KEY"),
        ({"status": 404, "kind": "not_found_error"}, ConfigurationNeeded, "reading to live"),
        ({"status": 429, "code": "enforced_spend_limit_reached"}, BudgetReached, "Claude Console"),
    ],
)
def test_a_batch_that_is_refused_is_not_at_claude_and_is_sent_once_it_can_be(
    step: Steps, session: Session, claude: StandIn, fault: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    in_batches(session)
    fill(session, 6)
    context = step("analyze")
    claude.fail(at="create", **fault)
    with pytest.raises(error, match=sentence):
        analyze.run(context)
    assert batches(session) == [("given_up", 2)]
    turn(session, context)
    last_turn(session, context)
    assert len(claude.batches.deleted) == 1
    assert len(issues(session)) == 6


def test_a_batch_that_is_too_large_is_sent_in_halves_and_a_single_request_is_split(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session)
    fill(session, 10)
    context = step("analyze")
    claude.fail(413, at="create", when=lambda body: len(body["requests"]) > 2, times=99)
    turn(session, context)
    assert batches(session) == [("given_up", 4), ("submitted", 2), ("submitted", 2)]
    last_turn(session, context)
    assert len(issues(session)) == 10
    fill(session, 2, "The import of sheet {} crashes.")
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()
    big: Callable[[dict[str, Any]], bool] = lambda body: len(tickets_of(body["requests"][0]["params"])) > 1  # noqa: E731
    claude.script.clear()
    claude.fail(413, at="create", when=big, times=99)
    configure(session, reading="batch", tickets_per_call=2, tickets_per_batch_call=2)
    context = step("analyze")
    make_ticket(session, text="More\n\nIt crashes.")
    make_ticket(session, text="More 2\n\nIt crashes.")
    session.commit()
    turn(session, context)
    last_turn(session, context)
    assert count_pending(session) == 0
    assert len(issues(session)) == 14


def test_a_ticket_that_changes_meanwhile_is_read_again_and_its_neighbours_are_kept(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session, tickets_per_call=3)
    tickets = fill(session, 6)
    context = step("analyze")
    turn(session, context)
    changed = tickets[1]
    session.execute(
        text("UPDATE tickets SET text = :text, text_hash = 'new' WHERE id = :id"),
        {"text": changed.text.replace("crashes", "freezes"), "id": changed.id},
    )
    session.execute(text("UPDATE tickets SET deleted_at = now() WHERE id = :id"), {"id": tickets[0].id})
    session.commit()
    turn(session, context)
    assert count_pending(session) == 1
    last_turn(session, context)
    assert {issue.ticket_id for issue in issues(session)} == {ticket.id for ticket in tickets[1:]}
    assert [issue.quote for issue in issues(session) if issue.ticket_id == changed.id] == [
        "The export of sheet 1 freezes."
    ]


def test_a_ticket_that_is_held_back_while_its_batch_is_worked_gets_what_was_paid_for(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session)
    tickets = fill(session, 6)
    context = step("analyze")
    turn(session, context)
    session.add(
        Backlog(
            reason="large",
            sources=["file:test"],
            edge_at=NOON + dt.timedelta(days=1),
            edge_id=0,
            model="claude-haiku-5-5",
            tickets=4,
            low_seconds=1,
            high_seconds=1,
        )
    )
    session.commit()
    assert count_pending(session) == 0, "all that wait are held back"
    last_turn(session, context)
    assert {issue.ticket_id for issue in issues(session)} == {ticket.id for ticket in tickets}
