"""Batches whose creation, progress or results go wrong: nothing is lost, and nothing is paid twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.errors import BatchUnderWay, ConfigurationNeeded
from miner.issues import analyze, batching
from miner.issues.pending import count_pending
from miner.models import ModelBatch, ModelCall
from miner.runs.context import StepContext
from tests.standins.claude.batches import DAY
from tests.standins.claude.standin import StandIn
from tests.support.batches import batches, hurry, in_batches, last_turn, send_batch, times_billed, turn
from tests.support.reading import fill, issues

Steps = Callable[..., StepContext]


def age(session: Session, **since: float) -> None:
    """Our batches were made and sent so long ago."""
    session.execute(
        text("UPDATE model_batches SET created_at = created_at - :by, submitted_at = submitted_at - :by"),
        {"by": dt.timedelta(**since)},
    )
    session.commit()


@pytest.mark.parametrize(
    "fault", [{"reset": "before"}, {"reset": "body"}, {"raw": b"not json"}], ids=["reset", "cut", "garbled"]
)
def test_a_batch_whose_creation_lost_its_answer_is_found_again_and_never_made_twice(
    step: Steps, session: Session, claude: StandIn, fault: dict[str, Any]
) -> None:
    in_batches(session)
    fill(session, 8)
    context = step("analyze")
    claude.fail(at="create", **fault)
    assert "is being looked up" in turn(session, context)
    assert batches(session) == [("unknown", 3)]
    if "raw" in fault:  # the stand-in did not work this one: it is looked for in vain, and then sent
        for _ in range(batching.LOOKS):
            turn(session, context)
        assert batches(session) == [("given_up", 3), ("submitted", 3)]
    else:
        turn(session, context)
        batch = session.scalars(select(ModelBatch)).one()
        assert (batch.state, batch.provider_id, batch.candidates) == ("submitted", None, [claude.batches.all[0].id])
    last_turn(session, context)
    assert len(issues(session)) == 8
    assert set(times_billed(claude).values()) == {1}
    assert len([one for one in claude.log if one.path.endswith("/batches") and one.method == "POST"]) == (
        2 if "raw" in fault else 1
    )


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529, 408, 409])
def test_trouble_at_the_creation_leaves_it_in_doubt(
    step: Steps, session: Session, claude: StandIn, status: int
) -> None:
    in_batches(session)
    fill(session, 4)
    claude.fail(status, at="create")
    turn(session, step("analyze"))
    assert batches(session) == [("unknown", 1)]


def test_it_is_not_looked_for_before_a_minute_has_passed(step: Steps, session: Session, claude: StandIn) -> None:
    in_batches(session)
    fill(session, 4)
    context = step("analyze")
    claude.fail(at="create", reset="before")
    turn(session, context)
    asked = len(claude.log)
    with pytest.raises(BatchUnderWay) as waiting:
        analyze.run(context)
    assert 30 < waiting.value.seconds <= 60
    assert len(claude.log) == asked


def test_of_several_that_fit_the_custom_ids_tell_ours_and_the_others_are_left_alone(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session)
    fill(session, 8)
    context = step("analyze")
    claude.fail(at="create", reset="before")
    turn(session, context)
    ours = claude.batches.all[0]
    params = ours.requests[0]["params"]
    foreign = [
        claude.batches.add([{"custom_id": f"other-{n}-{m:05d}", "params": params} for m in range(3)]) for n in range(2)
    ]
    other_size = claude.batches.add([{"custom_id": "lone-00000", "params": params}])
    claude.batches.all.reverse()
    turn(session, context)
    batch = session.scalars(select(ModelBatch)).one()
    assert set(batch.candidates) == {ours.id, *(one.id for one in foreign)}
    claude.batches.polls_until_end = None
    turn(session, context)
    claude.batches.polls_until_end = 1
    last_turn(session, context)
    assert len(issues(session)) == 8
    assert session.scalars(select(ModelBatch.provider_id)).one() == ours.id
    assert claude.batches.deleted == [ours.id]
    touched = [one.path for one in claude.log if one.method in ("DELETE",) or one.path.endswith("/cancel")]
    assert touched == [f"/v1/messages/batches/{ours.id}"]
    assert other_size.polls == 0


def test_a_foreign_batch_that_fits_is_told_apart_and_ours_is_sent_after_all(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session)
    fill(session, 8)
    context = step("analyze")
    claude.fail(500, at="create")
    turn(session, context)
    params = claude.calls[0].body
    foreign = claude.batches.add([{"custom_id": f"other-{n:05d}", "params": params} for n in range(3)])
    turn(session, context)
    turn(session, context)
    assert session.scalars(select(ModelBatch.not_ours)).one() == [foreign.id]
    for _ in range(batching.LOOKS):
        turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 8
    assert claude.batches.all == [foreign]


def test_a_run_lost_between_the_row_and_the_call_looks_first_and_then_sends(
    step: Steps, session: Session, claude: StandIn
) -> None:
    context = send_batch(session, step, 6)
    session.execute(text("UPDATE model_batches SET state = 'submitting', provider_id = NULL, submitted_at = NULL"))
    session.commit()
    claude.batches.all.clear()  # as if the call had never been made
    for _ in range(batching.LOOKS):
        turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 6


def test_a_batch_that_claude_does_not_know_for_a_moment_is_asked_for_again(
    step: Steps, session: Session, claude: StandIn
) -> None:
    context = send_batch(session, step, 6)
    claude.fail(404, kind="not_found_error", at="retrieve", times=2)
    turn(session, context)
    turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 6


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": "before"}, {"reset": "body"}, {"raw": b"<html>"}])
@pytest.mark.parametrize("at", ["retrieve", "results", "list"])
def test_trouble_while_it_is_asked_for_costs_patience_only(
    step: Steps, session: Session, claude: StandIn, at: str, fault: dict[str, Any]
) -> None:
    in_batches(session)
    fill(session, 6)
    context = step("analyze")
    if at == "list":
        claude.fail(at="create", reset="before")
    turn(session, context)
    claude.fail(at=at, **fault)
    turn(session, context)
    if at == "list":
        turn(session, context)
    last_turn(session, context)
    assert len(issues(session)) == 6
    assert set(times_billed(claude).values()) == {1}


def test_results_that_are_cut_are_taken_up_where_they_stopped(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("miner.issues.batch_take.CHUNK", 2)
    context = send_batch(session, step, 30, tickets_per_call=1)
    claude.fail(at="results", reset="body")
    turn(session, context)
    before = count_pending(session)
    assert 0 < before < 29
    calls = len(session.scalars(select(ModelCall.id)).all())
    assert calls == 30 - before, "what is stored is booked, and nothing else"
    last_turn(session, context)
    assert len(issues(session)) == 30
    assert len(session.scalars(select(ModelCall.id)).all()) == 30


def test_results_that_are_served_twice_or_belong_to_others_are_stored_once(
    step: Steps, session: Session, claude: StandIn
) -> None:
    context = send_batch(session, step, 6, tickets_per_call=1)
    batch = claude.batches.all[0]
    claude.batches._end(batch, 5, "expired")
    batch.results = [*batch.results, *batch.results, {**batch.results[0], "custom_id": "other-00001"}]
    last_turn(session, context)
    assert len(issues(session)) == 6
    assert len(session.scalars(select(ModelCall.id)).all()) == 6


def test_results_at_another_host_are_refused_and_the_key_is_not_sent_there(
    step: Steps, session: Session, claude: StandIn
) -> None:
    context = send_batch(session, step, 4)
    with StandIn() as elsewhere:
        claude.batches.results_host = elsewhere.base_url
        hurry(session)
        with pytest.raises(ConfigurationNeeded, match="the key would be sent there"):
            analyze.run(context)
        assert elsewhere.log == []
    claude.batches.results_host = None
    last_turn(session, context)
    assert len(issues(session)) == 4


def test_a_batch_that_expires_is_sent_again_and_what_it_did_is_kept(
    step: Steps, session: Session, claude: StandIn
) -> None:
    in_batches(session)
    fill(session, 6)
    context = step("analyze")
    claude.batches.polls_until_end, claude.batches.seconds = None, 99 * DAY
    turn(session, context)
    turn(session, context)
    claude.clock.advance(DAY + 60)
    turn(session, context)
    assert batches(session) == [("ingested", 2), ("submitted", 2)]
    claude.batches.polls_until_end = 1
    last_turn(session, context)
    assert len(issues(session)) == 6
    assert set(times_billed(claude).values()) == {1}


@pytest.mark.parametrize("gone", ["results", "batch"])
def test_a_batch_whose_results_are_gone_is_given_up_its_cost_is_unknown_and_its_tickets_are_read(
    step: Steps, session: Session, claude: StandIn, gone: str
) -> None:
    context = send_batch(session, step, 6)
    claude.batches._end(claude.batches.all[0], 2, "expired")
    if gone == "batch":
        claude.batches.all.clear()
    age(session, days=30)
    claude.clock.advance(30 * DAY)
    turn(session, context)
    assert batches(session) == [("given_up", 2), ("submitted", 2)]
    lost = session.scalars(select(ModelCall).where(ModelCall.outcome == "lost")).all()
    assert [(call.tickets, call.cost_usd, call.batch_id) for call in lost] == [(2, None, 1), (2, None, 1)]
    last_turn(session, context)
    assert len(issues(session)) == 6


def test_another_run_takes_over_what_the_one_before_left_open(step: Steps, session: Session, claude: StandIn) -> None:
    in_batches(session)
    fill(session, 6)
    turn(session, step("analyze"))
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()
    heir = step("analyze", {"batch_size": 500})
    last_turn(session, heir)
    assert len(issues(session)) == 6
    assert session.scalars(select(ModelBatch.run_id)).one() == heir.run_id
    assert set(times_billed(claude).values()) == {1}


def test_a_price_that_is_unknown_stays_unknown_in_a_batch(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINER_MODEL", "claude-fable-5-2")
    context = send_batch(session, step, 6)
    assert session.scalars(select(ModelBatch.bound_usd)).one() is None
    last_turn(session, context)
    assert session.scalars(select(ModelCall.cost_usd)).all() == [None] * 3
