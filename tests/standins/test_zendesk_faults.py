"""The Zendesk stand-in: faults strike the request they name, and every schedule can be survived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins.zendesk.faults import ACTS
from tests.standins.zendesk.mirror import Mirror, expected
from tests.standins.zendesk.schedules import CI, SOAK, schedule
from tests.standins.zendesk.standin import StandIn

CURSOR = "/api/v2/incremental/tickets/cursor.json"


@pytest.fixture
def client(zendesk: StandIn) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {zendesk.bearer}"}
    with httpx.Client(base_url=zendesk.base_url, headers=headers, timeout=20) as client:
        yield client


def page(client: httpx.Client, **query: Any) -> httpx.Response:
    return client.get(CURSOR, params={"support_type_scope": "all", "per_page": 10} | (query or {"start_time": 0}))


@pytest.mark.parametrize(
    ("name", "retry_after"),
    [("429_text", "7"), ("429_json", "7"), ("429_edge", "5"), ("429_no_header", None), ("429_zero", "0"),
     ("429_long", "93"), ("429_odd_header", "soon"), ("429_offset", None)],
)  # fmt: skip
def test_every_form_of_429_has_its_header(
    zendesk: StandIn, client: httpx.Client, name: str, retry_after: str | None
) -> None:
    zendesk.faults.add(name)
    answer = page(client)
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, retry_after)
    assert page(client).status_code == 200
    assert not zendesk.limits.provoked


def test_retry_after_may_be_a_date(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.faults.add("429_http_date", retry_after=30)
    assert page(client).headers["retry-after"].endswith("GMT")


@pytest.mark.parametrize("name", ["reset", "cut", "broken_gzip"])
def test_a_broken_answer_breaks_the_client(zendesk: StandIn, client: httpx.Client, name: str) -> None:
    zendesk.faults.add(name)
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError, httpx.DecodingError)):
        page(client)
    assert page(client).status_code == 200


def test_a_truncated_body_is_sound_http_and_no_json(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.faults.add("truncated_json", at=0.9)
    answer = page(client)
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()


def test_a_hanging_request_ends_with_the_stand_in(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.faults.add("hang")
    with pytest.raises(httpx.ReadTimeout):
        client.get("/api/v2/users/me", timeout=0.1)


def test_a_slow_body_arrives_whole(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.faults.add("drip", seconds=0.1)
    assert len(page(client).json()["tickets"]) == 10


@pytest.mark.parametrize("name", ["200_html", "200_empty", "no_rows_key", "null_rows", "no_end", "200_list"])
def test_a_200_may_be_no_page_at_all(zendesk: StandIn, client: httpx.Client, name: str) -> None:
    zendesk.faults.add(name)
    answer = page(client)
    assert answer.status_code == 200
    try:
        data = answer.json()
    except ValueError:
        return
    assert not isinstance(data, dict) or not isinstance(data.get("tickets"), list) or "end_of_stream" not in data


def test_a_cursor_may_stand_still(zendesk: StandIn, client: httpx.Client) -> None:
    cursor = page(client).json()["after_cursor"]
    zendesk.faults.script([{"do": "same_cursor"}, {"do": "null_cursor"}])
    stuck, lost = page(client, cursor=cursor).json(), page(client, cursor=cursor).json()
    assert (stuck["after_cursor"], stuck["end_of_stream"]) == (cursor, False)
    assert (lost["after_cursor"], lost["end_of_stream"]) == (None, False)


def test_an_empty_page_in_the_middle_loses_nothing(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.faults.add("empty_page", every=2, times=None)
    query: dict[str, Any] = {"start_time": 0}
    found, empty = [], 0
    while True:
        data = page(client, **query).json()
        found += [row["id"] for row in data["tickets"]]
        empty += not data["tickets"]
        if data["end_of_stream"]:
            break
        assert data["after_cursor"] != query.get("cursor")
        query = {"cursor": data["after_cursor"]}
    assert sorted(found) == sorted(zendesk.truth)
    assert empty > 1


def test_rows_repeat_across_pages_and_lose_their_order(zendesk: StandIn, client: httpx.Client) -> None:
    first = page(client).json()
    zendesk.faults.script([{"do": "repeat_rows", "rows": 3}, {"do": "shuffle"}])
    second, third = (page(client, cursor=first["after_cursor"]).json()["tickets"] for _ in range(2))
    assert [row["id"] for row in second[:3]] == [row["id"] for row in first["tickets"][-3:]]
    assert sorted(row["id"] for row in third) == sorted(row["id"] for row in second[3:])


def test_a_page_that_is_too_big_answers_504_until_it_is_smaller(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.switches.page_too_big = 250
    assert [page(client, start_time=0, per_page=size).status_code for size in (1000, 500, 250)] == [504, 504, 200]
    zendesk.switches.page_too_big = 0
    zendesk.faults.add("504", per_page_over=100, times=None)
    assert [page(client, start_time=0, per_page=size).status_code for size in (101, 100)] == [504, 200]


def test_links_and_redirects_may_lead_to_another_host_which_sees_who_follows(
    zendesk: StandIn, client: httpx.Client
) -> None:
    zendesk.faults.script([{"do": "foreign_url"}, {"do": "redirect"}])
    url, moved = page(client).json()["after_url"], page(client)
    assert url.startswith(zendesk.elsewhere.base_url)
    assert moved.status_code == 302
    assert moved.headers["location"].startswith(zendesk.elsewhere.base_url)
    client.get(url)
    assert zendesk.elsewhere.credentials_received == [f"Bearer {zendesk.bearer}"]


def test_the_world_moves_between_two_pages(zendesk: StandIn, client: httpx.Client) -> None:
    first = page(client).json()
    moved = first["tickets"][0]["id"]
    touch = [{"op": "system_touch", "ticket": moved}]
    zendesk.faults.script([{"do": "operate", "operations": touch}, {"do": "advance", "seconds": 61}])
    rest = page(client, cursor=first["after_cursor"], per_page=1000).json()["tickets"]
    assert rest[-1]["id"] == moved


def test_a_rule_strikes_only_what_it_names(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.faults.add("500", on="comments", ticket=2, skip=1, times=1)
    paths = [f"/api/v2/tickets/{number}/comments.json" for number in (1, 2, 3, 2, 2)]
    assert [client.get(path).status_code for path in paths] == [200, 200, 200, 500, 200]
    assert [one.fault for one in zendesk.log.of("comments")] == [None, None, None, "500", None]
    assert zendesk.faults.fired == {"500": 1}
    assert zendesk.faults.pending == []
    with pytest.raises(ValueError, match="no act"):
        zendesk.faults.add("explode")


def test_revoked_tokens_are_401_and_new_ones_can_be_had(zendesk: StandIn) -> None:
    token = zendesk.oauth.issue_pair().value
    zendesk.faults.add("revoke_tokens", skip=1)
    codes = [httpx.get(f"{zendesk.base_url}/api/v2/users/me", headers={"Authorization": f"Bearer {token}"}).status_code
             for _ in range(2)]  # fmt: skip
    assert codes == [200, 401]


def test_a_schedule_is_data_and_always_the_same() -> None:
    assert schedule(7) == schedule(7)
    assert len({str(schedule(seed)) for seed in SOAK}) == len(SOAK)
    named = {rule["do"] for seed in SOAK for rule in schedule(seed)["faults"]}
    assert named <= set(ACTS)
    assert len(named) > 40


@pytest.mark.parametrize("seed", [*CI, *(pytest.param(seed, marks=pytest.mark.soak) for seed in SOAK[len(CI) :])])
def test_the_simplest_right_mirror_survives_every_schedule(seed: int) -> None:
    with StandIn(tickets=0) as standin:
        standin.load(seed)
        mirror = Mirror(standin)
        mirror.walk()
        standin.quiet()
        mirror.walk()
        assert mirror.tickets == expected(standin)
        assert standin.elsewhere.credentials_received == []
