"""The client through the real package and real HTTP."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.utils import format_datetime
from typing import Any

import pytest

from miner.errors import BudgetReached, ClaudeTrouble, ConfigurationNeeded, MinerError, RateLimited
from miner.issues.answer import TicketText
from miner.issues.claude import LONGEST_WAIT, UNTOLD_WAIT, Claude
from miner.issues.prompt import Taxonomy, system_text, tickets_document
from miner.issues.reply import Reply
from miner.issues.wire import answer_schema, parse_answer
from tests.standins.claude.models import MODELS
from tests.standins.claude.standin import StandIn

SYSTEM = system_text(Taxonomy())
TICKETS = [TicketText(1, "Export\n\nThe export crashes.", 6), TicketText(2, "Thank you all", 0)]


@pytest.fixture
def client(claude: StandIn) -> Iterator[Claude]:
    client = Claude(api_key=claude.key, base_url=claude.base_url, model="claude-haiku-5-5", seconds=1.0)
    yield client
    client.close()


def ask(client: Claude, **changes: Any) -> Reply:
    return client.ask(
        SYSTEM, tickets_document(TICKETS), **{"schema": answer_schema({}), "max_tokens": 2_000, **changes}
    )


def test_a_good_answer_comes_back_with_what_it_used(client: Claude, claude: StandIn) -> None:
    reply = ask(client)
    assert (reply.outcome, reply.model) == ("ok", "claude-haiku-5-5")
    parsed = parse_answer(reply.text, ("t1", "t2"), {})
    assert parsed is not None
    assert [finding.quote for finding in parsed.findings["t1"]] == ["The export crashes."]
    (call,) = claude.calls
    assert call.usage is not None
    assert reply.tokens is not None
    assert reply.tokens.prompt == call.usage["input_tokens"] + call.usage["cache_creation_input_tokens"]
    assert reply.tokens.written > 0
    assert reply.request_id == "req_000002"
    assert reply.room.requests == claude.limits.requests - 1


def test_the_request_is_lean_and_its_prefix_is_cached(client: Claude, claude: StandIn) -> None:
    ask(client)
    second = ask(client)
    bodies = [call.body for call in claude.calls]
    assert set(bodies[0]) == {"max_tokens", "messages", "model", "output_config", "system", "thinking"}
    assert bodies[0]["system"] == bodies[1]["system"]
    assert bodies[0]["output_config"]["effort"] == "low"
    assert second.tokens is not None
    assert (second.tokens.read > 0, second.tokens.written) == (True, 0)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_every_known_model_accepts_what_it_is_sent(claude: StandIn, model: str) -> None:
    client = Claude(api_key=claude.key, base_url=claude.base_url, model=model)
    assert ask(client).outcome == "ok"
    client.close()


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (lambda m: m.update(stop_reason="max_tokens"), "cut"),
        (lambda m: m.update(stop_reason="model_context_window_exceeded"), "too_long"),
        (lambda m: m.update(stop_reason="refusal", content=[]), "refused"),
        (lambda m: m.update(stop_reason="refusal", content=[{"type": "text", "text": "No."}]), "refused"),
        (lambda m: m.update(content=[]), "unusable"),
        (lambda m: m.update(stop_reason="tired"), "unusable"),
    ],
)
def test_every_kind_of_answer_is_told_apart_and_keeps_its_usage(
    client: Claude, claude: StandIn, change: Callable[[dict[str, Any]], None], outcome: str
) -> None:
    claude.fail(change=change)
    reply = ask(client)
    assert reply.outcome == outcome
    assert reply.tokens is not None


def test_a_refusal_names_its_kind(client: Claude, claude: StandIn) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "x"}
    claude.fail(change=lambda message: message.update(stop_reason="refusal", stop_details=details, content=[]))
    assert ask(client).reason == "Claude declined to read it (cyber)"


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(
    "blocks",
    [
        lambda text: [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": text}],
        lambda text: [{"type": "text", "text": text[:20]}, {"type": "text", "text": text[20:]}],
        lambda text: [{"type": "novelty", "what": 1}, {"type": "text", "text": text}],
    ],
)
def test_the_text_is_found_by_its_type(client: Claude, claude: StandIn, blocks: Callable[[str], list[Any]]) -> None:
    claude.fail(change=lambda message: message.update(content=blocks(message["content"][0]["text"])))
    reply = ask(client)
    assert (reply.outcome, "answers" in json.loads(reply.text)) == ("ok", True)


@pytest.mark.parametrize("raw", [b"{}", b'{"type": "message", "content": null}'])
def test_a_wrong_body_is_no_crash(client: Claude, claude: StandIn, raw: bytes) -> None:
    claude.fail(raw=raw)
    reply = ask(client)
    assert (reply.outcome, reply.tokens, reply.model) == ("unusable", None, "claude-haiku-5-5")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 401, "kind": "authentication_error"}, ConfigurationNeeded),
        ({"status": 403, "kind": "permission_error"}, ConfigurationNeeded),
        ({"status": 404, "kind": "not_found_error"}, ConfigurationNeeded),
        ({"status": 402, "kind": "billing_error"}, BudgetReached),
        ({"status": 400, "kind": "invalid_request_error", "message": "Your credit balance is too low"}, BudgetReached),
        ({"status": 429, "code": "enforced_spend_limit_reached", "headers": {"retry-after": "5"}}, BudgetReached),
        ({"status": 429, "code": "contract_spend_limit_reached"}, BudgetReached),
        ({"status": 429, "code": "ramp_limit_exceeded"}, BudgetReached),
        ({"status": 429, "code": "something_new"}, RateLimited),
        *[({"status": status}, ClaudeTrouble) for status in (408, 409, 500, 502, 503, 504, 529)],
        ({"status": 502, "raw": b"<html>Bad gateway</html>", "content_type": "text/html"}, ClaudeTrouble),
        ({"raw": b"not json"}, ClaudeTrouble),
        ({"reset": "before"}, ClaudeTrouble),
        ({"reset": "body"}, ClaudeTrouble),
    ],
)
def test_what_stops_all_calls_is_raised_after_one_call(
    client: Claude, claude: StandIn, fault: dict[str, Any], error: type[MinerError]
) -> None:
    claude.fail(**fault, times=5)
    with pytest.raises(error) as raised:
        ask(client)
    assert type(raised.value) is error
    assert len(claude.calls) == 1


def test_an_answer_that_does_not_come_is_a_trouble_that_may_have_been_billed(client: Claude, claude: StandIn) -> None:
    claude.fail(delay=5)
    with pytest.raises(ClaudeTrouble, match="in time") as raised:
        ask(client)
    assert raised.value.sent
    assert ask(client).outcome == "ok"


def test_a_kept_connection_that_died_is_survived_or_told(client: Claude, claude: StandIn) -> None:
    claude.fail(close=True)
    assert ask(client).outcome == "ok"
    with suppress(ClaudeTrouble):  # whether the package has noticed yet is a race
        ask(client)
    assert ask(client).outcome == "ok"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.2"}, 0.2),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "999999"}, LONGEST_WAIT),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, UNTOLD_WAIT),
        ({}, UNTOLD_WAIT),
    ],
)
def test_the_time_to_wait_is_read_in_every_form(
    client: Claude, claude: StandIn, headers: dict[str, str], seconds: float
) -> None:
    claude.fail(429, headers=headers)
    with pytest.raises(RateLimited) as raised:
        ask(client)
    assert raised.value.seconds == seconds


def test_the_time_to_wait_may_be_a_date(client: Claude, claude: StandIn) -> None:
    claude.fail(429, headers={"retry-after": format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90), True)})
    with pytest.raises(RateLimited) as raised:
        ask(client)
    assert 60 < raised.value.seconds <= 90


@pytest.mark.parametrize(("status", "outcome"), [(400, "bad_request"), (413, "too_long")])
def test_what_concerns_this_question_alone_is_its_outcome(
    client: Claude, claude: StandIn, status: int, outcome: str
) -> None:
    claude.fail(status)
    assert (ask(client).outcome, len(claude.calls)) == (outcome, 1)


def test_a_wrong_key_says_which_variable_to_set(claude: StandIn) -> None:
    client = Claude(api_key="sk-ant-wrong", base_url=claude.base_url, model="claude-haiku-5-5")
    with pytest.raises(ConfigurationNeeded, match="ANTHROPIC_API_KEY"):
        ask(client)
    client.close()


def test_a_model_that_does_not_exist_says_which_variable_to_set(claude: StandIn) -> None:
    client = Claude(api_key=claude.key, base_url=claude.base_url, model="claude-2")
    with pytest.raises(ConfigurationNeeded, match="MINER_MODEL"):
        ask(client)
    client.close()


def test_no_line_above_debug_holds_ticket_text(client: Claude, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ask(client)
    assert "crashes" not in caplog.text
