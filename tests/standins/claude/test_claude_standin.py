"""The stand-in keeps the contract, seen through the real SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.standins.claude.standin import StandIn

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["answers"],
    "properties": {
        "answers": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["ticket", "issues"],
                "properties": {
                    "ticket": {"type": "string"},
                    "issues": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["quote", "type"],
                            "properties": {"quote": {"type": "string"}, "type": {"enum": ["bug", "other"]}},
                        },
                    },
                },
            },
        }
    },
}
TICKET = {"id": "t1", "subject": "Export", "messages": [{"from": "customer", "text": "Hello. The export crashes."}]}


@pytest.fixture
def client(claude: StandIn) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=claude.key, base_url=claude.base_url, max_retries=0) as client:
        yield client


def request(**changes: Any) -> dict[str, Any]:
    found = {
        "model": "claude-haiku-5-5",
        "max_tokens": 500,
        "system": [{"type": "text", "text": "Read. " * 600, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": json.dumps({"tickets": [TICKET]})}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}, "effort": "low"},
        "thinking": {"type": "disabled"},
    }
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


def test_an_answer_conforms_to_the_schema_and_quotes_the_ticket(client: anthropic.Anthropic) -> None:
    message = client.messages.create(**request())
    said = json.loads(next(block.text for block in message.content if block.type == "text"))
    assert said == {"answers": [{"ticket": "t1", "issues": [{"quote": "The export crashes.", "type": "bug"}]}]}


def test_a_prefix_is_written_once_and_read_until_it_is_too_old(client: anthropic.Anthropic, claude: StandIn) -> None:
    first, second = (client.messages.create(**request()).usage for _ in range(2))
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens
    assert (first.cache_read_input_tokens, second.cache_creation_input_tokens) == (0, 0)
    assert first.input_tokens == second.input_tokens > 0
    claude.clock.advance(301)
    assert client.messages.create(**request()).usage.cache_read_input_tokens == 0


def test_a_prefix_below_the_minimum_is_silently_not_cached(client: anthropic.Anthropic) -> None:
    usage = client.messages.create(**request(model="claude-haiku-4-5", thinking=None, output_config={
        "format": {"type": "json_schema", "schema": SCHEMA}})).usage  # fmt: skip
    assert (usage.cache_creation_input_tokens, usage.cache_read_input_tokens) == (0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"extra_body": {"temperature": 0.0}},
        {"max_tokens": 200_000, "timeout": 60},
        {"thinking": {"type": "enabled", "budget_tokens": 2_000}},
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}]},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}}},
        {
            "output_config": {
                "format": {
                    "type": "json_schema",
                    "schema": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"a": {"type": "string", "maxLength": 3}},
                        "required": ["a"],
                    },
                }
            }
        },
    ],
)
def test_what_the_api_refuses_is_refused(client: anthropic.Anthropic, changes: dict[str, Any]) -> None:
    with pytest.raises(anthropic.BadRequestError) as refusal:
        client.messages.create(**request(**changes))
    assert refusal.value.type == "invalid_request_error"


def test_a_wrong_key_and_an_unknown_model_are_told_apart(client: anthropic.Anthropic, claude: StandIn) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(**request(model="claude-2"))
    claude.key = "another"
    with pytest.raises(anthropic.AuthenticationError):
        client.messages.create(**request())


def test_past_the_minutes_allowance_is_a_429_with_the_time_to_wait(
    client: anthropic.Anthropic, claude: StandIn
) -> None:
    claude.limits.requests = 1
    raw = client.messages.with_raw_response.create(**request())
    assert raw.headers["anthropic-ratelimit-requests-remaining"] == "0"
    with pytest.raises(anthropic.RateLimitError) as refusal:
        client.messages.create(**request())
    assert refusal.value.response.headers["retry-after"] == "60"
    claude.clock.advance(60)
    client.messages.create(**request())


def test_an_answer_that_is_longer_than_allowed_is_cut(client: anthropic.Anthropic) -> None:
    message = client.messages.create(**request(max_tokens=10))
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 10)


@pytest.mark.parametrize("reset", ["before", "body"])
def test_a_connection_can_be_cut(client: anthropic.Anthropic, claude: StandIn, reset: str) -> None:
    claude.fail(reset=reset)
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**request())
    client.messages.create(**request())


def test_a_scripted_error_carries_its_code(client: anthropic.Anthropic, claude: StandIn) -> None:
    claude.fail(429, kind="rate_limit_error", code="enforced_spend_limit_reached", headers={"retry-after": "9"})
    with pytest.raises(anthropic.RateLimitError) as refusal:
        client.messages.create(**request())
    assert refusal.value.error_code == "enforced_spend_limit_reached"
