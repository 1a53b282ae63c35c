"""The stand-in's batches keep the contract, seen through the real SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from tests.standins.claude.batches import DAY, errored
from tests.standins.claude.standin import StandIn
from tests.standins.claude.test_claude_standin import TICKET, request


@pytest.fixture
def client(claude: StandIn) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=claude.key, base_url=claude.base_url, max_retries=0) as client:
        yield client


def requests(count: int, **changes: Any) -> list[Any]:
    return [{"custom_id": f"a-{number:05d}", "params": request(**changes)} for number in range(count)]


def kinds(client: anthropic.Anthropic, batch_id: str) -> dict[str, str]:
    return {one.custom_id: one.result.type for one in client.messages.batches.results(batch_id)}


def test_a_batch_is_in_progress_until_it_ends_and_its_results_come_in_any_order(
    client: anthropic.Anthropic, claude: StandIn
) -> None:
    claude.batches.polls_until_end = None
    batch = client.messages.batches.create(requests=requests(8))
    assert (batch.processing_status, batch.request_counts.processing, batch.results_url) == ("in_progress", 8, None)
    assert (batch.expires_at - batch.created_at).total_seconds() == DAY
    assert client.messages.batches.retrieve(batch.id).processing_status == "in_progress"
    with pytest.raises(anthropic.AnthropicError):
        client.messages.batches.results(batch.id)
    claude.clock.advance(601)
    ended = client.messages.batches.retrieve(batch.id)
    assert (ended.processing_status, ended.request_counts.succeeded) == ("ended", 8)
    results = list(client.messages.batches.results(batch.id))
    assert [one.custom_id for one in results] != sorted(one.custom_id for one in results)
    message = results[0].result.message  # type: ignore[union-attr]
    assert (message.usage.service_tier, message.stop_reason) == ("batch", "end_turn")
    assert TICKET["subject"] in json.dumps(claude.billed[0][0])
    assert len(claude.billed) == 8


def test_what_becomes_of_a_request_is_told_one_by_one(client: anthropic.Anthropic, claude: StandIn) -> None:
    fates = {"a-00001": {"type": "expired"}, "a-00002": errored("api_error")}
    claude.batches.fate = lambda request: fates.get(request["custom_id"])
    wrong = {"custom_id": "a-00009", "params": request(max_tokens=999_999)}
    batch = client.messages.batches.create(requests=[*requests(3), wrong])
    found = {one.custom_id: one for one in client.messages.batches.results(batch.id)}
    assert {key: one.result.type for key, one in found.items()} == {
        "a-00000": "succeeded", "a-00001": "expired", "a-00002": "errored", "a-00009": "errored",
    }  # fmt: skip
    assert found["a-00009"].result.error.error.type == "invalid_request_error"  # type: ignore[union-attr]
    assert len(claude.billed) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [{"custom_id": "a b", "params": {}}],
        [{"custom_id": "x" * 65, "params": {}}],
        [{"custom_id": "a", "params": {}}, {"custom_id": "a", "params": {}}],
        [{"custom_id": "a", "params": {"stream": True}}],
    ],
    ids=["none", "letters", "length", "twice", "stream"],
)
def test_a_batch_of_wrong_form_is_refused_at_once(client: anthropic.Anthropic, wrong: list[Any]) -> None:
    with pytest.raises(anthropic.BadRequestError):
        client.messages.batches.create(requests=wrong)


def test_cancelling_ends_it_with_what_was_done(client: anthropic.Anthropic) -> None:
    batch = client.messages.batches.create(requests=requests(4))
    assert client.messages.batches.cancel(batch.id).processing_status == "canceling"
    assert sorted(kinds(client, batch.id).values()) == ["canceled", "canceled", "succeeded", "succeeded"]


def test_after_a_day_what_is_not_done_has_expired(client: anthropic.Anthropic, claude: StandIn) -> None:
    claude.batches.polls_until_end, claude.batches.seconds = None, 99 * DAY
    batch = client.messages.batches.create(requests=requests(2))
    claude.clock.advance(DAY + 1)
    assert client.messages.batches.retrieve(batch.id).request_counts.expired == 2


def test_results_are_gone_after_29_days(client: anthropic.Anthropic, claude: StandIn) -> None:
    batch = client.messages.batches.create(requests=requests(1))
    client.messages.batches.retrieve(batch.id)
    url = f"/v1/messages/batches/{batch.id}/results"
    claude.clock.advance(29 * DAY + 1)
    old = client.messages.batches.retrieve(batch.id)
    assert (old.results_url, old.archived_at is not None) == (None, True)
    with pytest.raises(anthropic.NotFoundError):
        client.get(url, cast_to=object)


def test_the_list_is_newest_first_and_comes_in_pages(client: anthropic.Anthropic, claude: StandIn) -> None:
    made = [client.messages.batches.create(requests=requests(1)).id for _ in range(5)]
    page = client.messages.batches.list(limit=2)
    assert ([batch.id for batch in page.data], page.has_more) == ([made[4], made[3]], True)
    assert [batch.id for batch in client.messages.batches.list(limit=2)] == made[::-1]


def test_only_what_has_ended_can_be_deleted(client: anthropic.Anthropic, claude: StandIn) -> None:
    claude.batches.polls_until_end = 2
    batch = client.messages.batches.create(requests=requests(1))
    with pytest.raises(anthropic.BadRequestError):
        client.messages.batches.delete(batch.id)
    client.messages.batches.retrieve(batch.id)
    client.messages.batches.retrieve(batch.id)
    client.messages.batches.delete(batch.id)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(batch.id)


def test_a_created_batch_whose_answer_is_lost_exists_once_with_retries_off(
    client: anthropic.Anthropic, claude: StandIn
) -> None:
    claude.fail(at="create", reset="before")
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.batches.create(requests=requests(3))
    assert len(claude.batches.all) == 1
    with anthropic.Anthropic(api_key=claude.key, base_url=claude.base_url, max_retries=1) as eager:
        claude.fail(at="create", reset="before")
        eager.messages.batches.create(requests=requests(3))
    assert len(claude.batches.all) == 3, "the package's own retry makes a second one"


def test_results_that_are_cut_break_in_the_middle(client: anthropic.Anthropic, claude: StandIn) -> None:
    batch = client.messages.batches.create(requests=requests(40))
    client.messages.batches.retrieve(batch.id)
    claude.fail(at="results", reset="body")
    got: list[str] = []
    with pytest.raises(httpx2.HTTPError):
        got.extend(one.custom_id for one in client.messages.batches.results(batch.id))
    assert 0 < len(got) < 40


def test_the_cache_is_hit_by_chance_in_a_batch(client: anthropic.Anthropic, claude: StandIn) -> None:
    batch = client.messages.batches.create(requests=requests(100))
    list(client.messages.batches.results(batch.id))
    read = sum(usage["cache_read_input_tokens"] > 0 for _, usage in claude.billed)
    assert 40 < read < 80
