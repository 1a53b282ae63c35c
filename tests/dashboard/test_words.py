"""The sentence that says how a run went."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dashboard import words
from miner.issues.wire import CONFIDENCES, FACTS
from miner.models import (
    ISSUE_TYPES,
    RUN_STATES,
    SEVERITIES,
    STEP_STATES,
    TICK_OUTCOMES,
    TREND_FLAGS,
    TRIGGERS,
    JobRun,
    JobRunStep,
)
from tests.factories import NOON


def run(**columns: Any) -> JobRun:
    defaults: dict[str, Any] = {
        "job_name": "analyze",
        "state": "completed",
        "trigger": "button",
        "triggered_by": "local user",
        "counters": {},
        "args": {},
        "attempt": 1,
        "max_attempts": 3,
        "started_at": NOON,
        "created_at": NOON,
    }
    return JobRun(**{**defaults, **columns})


def say(**columns: Any) -> str:
    return words.verdict(run(**columns), took="3 min 12 s", waits="in 30 s")


def test_a_completed_run_tells_what_it_did() -> None:
    counters = {"tickets": 1076, "issues": 1, "input_tokens": 0, "cost_usd": 0.125}
    assert say(counters=counters) == (
        "Analyze tickets completed in 3 min 12 s: 1,076 tickets, 1 issue, $0.12. Started by local user with a button."
    )


def test_counters_come_in_the_order_of_the_work() -> None:
    counters = {"themes": 75, "issues": 1, "tickets_new": 12, "tickets": 1076, "links_cut": 0, "input_tokens": 9}
    assert words.counted(counters) == "1,076 tickets, 12 new tickets, 1 issue, 75 themes, 9 input tokens"


def test_a_failed_run_tells_why_and_which_attempt_it_was() -> None:
    found = say(
        state="failed",
        error_message="Zendesk answered 429",
        attempt=2,
        max_attempts=2,
        trigger="schedule",
        schedule_id="daily_sync",
    )
    assert found == (
        "Analyze tickets failed after 3 min 12 s: Zendesk answered 429."
        " This was attempt 2 of 2, started by schedule daily_sync."
    )


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"state": "crashed", "error_message": "its worker was lost"},
            "crashed after 3 min 12 s: its worker was lost.",
        ),
        ({"state": "cancelled", "cancel_requested_by": "ann"}, "was cancelled by ann."),
        ({"state": "skipped", "skip_reason": "Run 3 was still running"}, "did not run: Run 3 was still running."),
        (
            {"state": "waiting", "wait_detail": "Zendesk asks to wait"},
            "waits: Zendesk asks to wait. It goes on in 30 s.",
        ),
        (
            {"state": "waiting", "wait_reason": "rate_limit", "wait_detail": None},
            "waits: rate limit. It goes on in 30 s.",
        ),
        ({"state": "running"}, "has been running for 3 min 12 s, started by local user"),
        ({"state": "queued"}, "is queued, started by local user"),
    ],
)
def test_every_other_state_has_its_sentence(columns: dict[str, Any], sentence: str) -> None:
    assert sentence in say(**columns)


def test_who_started_it_is_not_said_twice() -> None:
    assert words.started_by(run(trigger="cli", triggered_by="cli ann")) == "by ann on the command line"


def test_progress_reads_like_a_sentence_while_a_run_is_at_work() -> None:
    sync = run(job_name="sync", state="running", args={"backfill_days": 1}, current_step="sync")
    assert words.progress_sentence(sync) == "Syncing tickets (backfill: 1)..."
    sync.progress = "Stored page 3"
    assert words.progress_sentence(sync) == "Stored page 3"
    assert words.progress_sentence(run(state="running", job_name="gone")) == "gone..."
    assert words.progress_sentence(run(state="waiting", wait_detail="Waits for Zendesk")) == "Waits for Zendesk"
    assert words.progress_sentence(run(state="completed")) is None


def test_how_long_a_run_took() -> None:
    later = NOON + dt.timedelta(seconds=90)
    assert words.seconds_taken(run(), later) == 90
    assert words.seconds_taken(run(finished_at=NOON), later) == 0
    assert words.seconds_taken(run(started_at=None), later) is None


def test_every_word_of_the_tables_has_a_word_for_people() -> None:
    assert set(words.STATES) >= {*RUN_STATES, *STEP_STATES, *TICK_OUTCOMES}
    assert set(words.FLAGS) == set(TREND_FLAGS)
    assert set(words.SEVERITIES) == set(SEVERITIES)
    assert set(words.TRIGGERS) == set(TRIGGERS)
    assert [name for name, _ in words.ISSUE_TYPES] == list(ISSUE_TYPES)


@pytest.mark.parametrize(
    ("columns", "facts", "sentence"),
    [
        ({"state": "queued"}, {"waits": None}, "is queued, started by local user with a button."),
        ({"state": "queued"}, {"waits": "in 5 min"}, "with a button. It starts in 5 min."),
        ({"state": "queued"}, {"waits": None, "paused": True}, "It starts once everything is resumed."),
        ({"state": "waiting", "wait_detail": "Later"}, {"waits": None}, "It goes on as soon as a worker is free."),
        (
            {"state": "waiting", "wait_detail": "Later"},
            {"waits": "in 5 min", "paused": True},
            "waits: Later. It goes on once everything is resumed.",
        ),
        (
            {"state": "waiting", "wait_reason": "paused", "wait_detail": "Everything is paused"},
            {"waits": None},
            "was paused with everything else. It goes on as soon as a worker is free.",
        ),
    ],
)
def test_a_run_that_is_not_at_work_says_when_it_goes_on(
    columns: dict[str, Any], facts: dict[str, Any], sentence: str
) -> None:
    assert words.verdict(run(**columns), took="1 s", **facts).endswith(sentence)


def test_a_sentence_ends_with_one_stop() -> None:
    assert [words.full_stop(one) for one in ("It rose", "It rose. ", "Did it?", None)] == [
        "It rose.",
        "It rose.",
        "Did it?",
        "no reason was given.",
    ]


def test_facts_are_those_that_the_ticket_tells_in_the_order_of_the_page() -> None:
    facts = {"workaround": "restart", "platform": "Android", "problem": "shown elsewhere", "odd": "never shown"}
    assert words.known_facts(facts) == [("platform", "Platform", "Android"), ("workaround", "Workaround", "restart")]
    assert {name for name, _ in words.FACTS} == {*FACTS, "sentiment", "article"}


def test_confidence_is_a_word_since_it_is_the_analyzers_own_opinion() -> None:
    assert [words.confidence(share) for share in (*CONFIDENCES.values(), None)] == ["high", "medium", "low", "unknown"]


@pytest.mark.parametrize(
    ("state", "done", "total", "left"),
    [
        ("running", 25, 100, 180.0),
        ("running", 0, 100, None),
        ("running", 25, None, None),
        ("running", 100, 100, None),
        ("completed", 25, 100, None),
    ],
)
def test_what_a_step_still_takes_is_said_only_where_it_is_known(
    state: str, done: int, total: int | None, left: float | None
) -> None:
    begun = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
    step = JobRunStep(state=state, done=done, total=total, started_at=begun)
    assert words.seconds_left(step, begun + dt.timedelta(minutes=1)) == left
