from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from miner.issues.answer import TicketText
from miner.issues.judge import MOST_CALLS, Judged, Task, judge
from miner.issues.prices import Tokens, cost
from miner.issues.prompt import opaque_ids
from miner.issues.reply import Reply

MODEL = "claude-haiku-5-5"
TOKENS = Tokens(sent=1_001, read=500, received=103)


def tickets(count: int) -> tuple[TicketText, ...]:
    return tuple(TicketText(100 + number, f"Export {number} crashes.") for number in range(count))


def entry(place: int, **changes: Any) -> dict[str, Any]:
    issue = {
        "quote": f"Export {place} crashes.", "type": "bug", "area": None, "component": None, "severity_phrase": None,
        "severity": "medium", "summary": "Export crashes", "problem": "", "sentiment": "neutral", "confidence": "low",
        "facts": [], **changes,
    }  # fmt: skip
    return {"ticket": f"t{place + 1}", "no_issue": None, "issues": [issue]}


def said(*entries: Any) -> str:
    return json.dumps({"answers": entries})


def ruled(task: Task, outcome: str = "ok", text: str = "", *, second: bool = False, **changes: Any) -> Judged:
    reply = Reply(**{"outcome": outcome, "model": MODEL, "text": text, "tokens": TOKENS, "reason": "why", **changes})
    return judge(task, reply, opaque_ids(len(task.tickets)), {}, second=second)


def ids(judged: Judged) -> list[list[int]]:
    return [[ticket.id for ticket in task.tickets] for task in judged.again]


def test_a_good_answer_gives_every_ticket_its_reading_and_its_share_of_the_cost() -> None:
    judged = ruled(Task(tickets(3)), text=said(entry(0), entry(1), entry(2)))
    assert [reading.ticket_id for reading in judged.readings] == [100, 101, 102]
    assert judged.again == ()
    assert sum(reading.usage.input_tokens or 0 for reading in judged.readings) == TOKENS.prompt
    assert sum(reading.usage.output_tokens or 0 for reading in judged.readings) == TOKENS.received
    assert sum((reading.usage.cost_usd or Decimal(0)) for reading in judged.readings) == cost(MODEL, TOKENS)


def test_only_the_ticket_that_went_wrong_is_read_again_alone() -> None:
    judged = ruled(Task(tickets(3)), text=said(entry(0), entry(2)))
    assert [reading.ticket_id for reading in judged.readings] == [100, 102]
    assert ids(judged) == [[101]]


def test_a_quote_of_the_neighbour_is_read_again_and_then_left_to_be_flagged() -> None:
    text = said(entry(0), entry(1, quote="Export 0 crashes."))
    judged = ruled(Task(tickets(2)), text=text)
    assert ids(judged) == [[101]]
    second = ruled(judged.again[0], text=said({**entry(0), "ticket": "t1"}))
    assert [reading.outcome for reading in second.readings] == ["issues"]
    assert second.again == ()


def test_an_answer_cut_off_is_asked_again_in_halves_then_with_more_room_then_given_up() -> None:
    task = Task(tickets(4))
    judged = ruled(task, "cut", said(entry(0), entry(1))[:-20])
    assert [reading.ticket_id for reading in judged.readings] == [100]
    assert ids(judged) == [[101, 102], [103]]
    (first, *_) = judged.again
    singles = ruled(first, "cut", "{")
    assert ids(singles) == [[101], [102]]
    (wide,) = ruled(singles.again[0], "cut", "{").again
    assert wide.max_tokens == 2 * singles.again[0].max_tokens
    last = ruled(wide, "cut", "{")
    assert [(reading.outcome, last.again) for reading in last.readings] == [("failed", ())]
    assert last.readings[0].usage.input_tokens is not None
    assert last.readings[0].usage.input_tokens > 3 * TOKENS.prompt / 4


@pytest.mark.parametrize("outcome", ["refused", "bad_request", "unusable"])
def test_a_pack_that_is_refused_is_split_to_find_the_one(outcome: str) -> None:
    assert ids(ruled(Task(tickets(3)), outcome)) == [[100], [101], [102]]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [("refused", "why"), ("bad_request", "Claude refused the request"), ("too_long", "why")],
)
def test_a_single_one_that_is_refused_has_failed(outcome: str, reason: str) -> None:
    judged = ruled(Task(tickets(1)), outcome)
    assert [(reading.outcome, reading.reason) for reading in judged.readings] == [("failed", reason)]
    assert judged.again == ()


def test_an_answer_that_cannot_be_understood_is_asked_for_once_more() -> None:
    judged = ruled(Task(tickets(1)), text="Sorry.", reason=None)
    assert ids(judged) == [[100]]
    second = ruled(judged.again[0], text="Sorry.", reason=None)
    assert [reading.reason for reading in second.readings] == ["the answer could not be understood"]


@pytest.mark.parametrize("outcome", ["ok", "cut", "refused", "too_long", "bad_request", "unusable"])
@pytest.mark.parametrize("count", [1, 8])
def test_whatever_goes_wrong_a_ticket_costs_a_bounded_number_of_calls_and_gets_one_reading(
    outcome: str, count: int
) -> None:
    waiting, calls, readings = [Task(tickets(count))], dict.fromkeys(range(100, 100 + count), 0), []
    spent = 0
    while waiting:
        task = waiting.pop()
        for ticket in task.tickets:
            calls[ticket.id] += 1
        judged = ruled(task, outcome)
        spent += TOKENS.prompt
        readings += judged.readings
        waiting += judged.again
    assert max(calls.values()) <= MOST_CALLS
    assert sorted(reading.ticket_id for reading in readings) == sorted(calls)
    assert sum(reading.usage.input_tokens or 0 for reading in readings) == spent


def test_a_call_of_unknown_price_makes_the_cost_unknown_and_not_less() -> None:
    (again,) = ruled(Task(tickets(1)), text="?", model="claude-unknown").again
    (reading,) = ruled(again, text=said(entry(0))).readings
    assert reading.usage.input_tokens == 2 * TOKENS.prompt
    assert reading.usage.cost_usd is None


def test_a_single_one_that_is_refused_gets_one_try_on_the_second_model_whatever_it_answers() -> None:
    (once,) = ruled(Task(tickets(1)), "refused", second=True).again
    assert (once.second, once.calls, once.spent[0].output_tokens) == (True, 1, TOKENS.received)
    other = "claude-sonnet-5-5"
    good = ruled(once, text=said(entry(0)), second=True, model=other).readings[0]
    assert (good.outcome, good.model, good.usage.output_tokens) == ("issues", other, 2 * TOKENS.received)
    assert good.usage.cost_usd == (cost(MODEL, TOKENS) or 0) + (cost(other, TOKENS) or 0)
    for outcome in ("ok", "cut", "refused", "too_long", "bad_request", "unusable"):
        judged = ruled(once, outcome, second=True, model=other)
        assert judged.again == ()
        assert [(one.outcome, one.model) for one in judged.readings] == [("failed", other)]


def test_a_pack_that_is_refused_is_split_before_the_second_model_is_asked() -> None:
    judged = ruled(Task(tickets(2)), "refused", second=True)
    assert [(len(task.tickets), task.second) for task in judged.again] == [(1, False), (1, False)]
