"""The Zendesk stand-in: exports, lists, credentials and clock behave as the API does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins.zendesk.paging import decode_cursor
from tests.standins.zendesk.standin import StandIn

CURSOR, EVENTS = "/api/v2/incremental/tickets/cursor.json", "/api/v2/incremental/ticket_events.json"


@pytest.fixture
def client(zendesk: StandIn) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {zendesk.bearer}"}
    with httpx.Client(base_url=zendesk.base_url, headers=headers, timeout=20) as client:
        yield client


def ask(client: httpx.Client, path: str, **query: Any) -> Any:
    answer = client.get(path, params=query or None)  # an empty dict would strip the query of a link
    answer.raise_for_status()
    return answer.json()


def walk(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """Every row of the cursor export, page after page."""
    place: dict[str, Any] = {"start_time": 0}
    rows: list[dict[str, Any]] = []
    while True:
        page = ask(client, CURSOR, **place, **query)
        rows += page["tickets"]
        if page["end_of_stream"]:
            return rows
        place = {"cursor": page["after_cursor"]}


def sized(*numbers: int) -> Any:
    return pytest.mark.parametrize("zendesk", [{"tickets": number} for number in numbers], indirect=True)


@sized(0, 1, 99, 100, 101)
def test_a_walk_by_cursor_yields_every_ticket_once(zendesk: StandIn, client: httpx.Client) -> None:
    found = [row["id"] for row in walk(client, support_type_scope="all", per_page=100)]
    assert sorted(found) == sorted(zendesk.truth)
    assert len(found) == len(set(found))
    assert zendesk.log.count("tickets_cursor") == max(1, -(-len(found) // 100))


def test_the_same_seed_gives_the_same_account() -> None:
    with (
        StandIn(tickets=30, seed=5, start=1_795_000_000) as one,
        StandIn(tickets=30, seed=5, start=1_795_000_000) as two,
    ):
        assert one.truth == two.truth
    with StandIn(tickets=30, seed=6, start=1_795_000_000) as three:
        assert three.truth != one.truth


def test_rows_come_in_the_order_of_their_version_and_the_cursor_names_the_last(client: httpx.Client) -> None:
    page = ask(client, CURSOR, start_time=0, per_page=7, support_type_scope="all")
    order = [(row["generated_timestamp"], row["id"]) for row in page["tickets"]]
    assert order == sorted(order)
    assert decode_cursor(page["after_cursor"]) == order[-1]
    following = ask(client, CURSOR, cursor=page["after_cursor"], per_page=7, support_type_scope="all")
    assert (following["tickets"][0]["generated_timestamp"], following["tickets"][0]["id"]) > order[-1]


def test_more_tickets_in_one_second_than_a_page_holds_do_not_pin_the_cursor(
    zendesk: StandIn, client: httpx.Client
) -> None:
    zendesk.ops.bulk_touch()
    zendesk.settle()
    rows = walk(client, per_page=9, support_type_scope="all")
    assert {row["id"] for row in rows} == set(zendesk.truth)
    assert len({row["generated_timestamp"] for row in rows}) == 1


def test_more_tickets_in_one_second_than_a_page_holds_pin_the_time_export(
    zendesk: StandIn, client: httpx.Client
) -> None:
    zendesk.ops.bulk_touch()
    zendesk.settle()
    first = ask(client, "/api/v2/incremental/tickets.json", start_time=0, per_page=9)
    again = ask(client, first["next_page"])
    assert again["end_time"] == first["end_time"]
    assert again["next_page"] == first["next_page"]
    assert not again["end_of_stream"]


def test_the_time_export_repeats_its_last_second_and_never_lacks_a_next_page(client: httpx.Client) -> None:
    first = ask(client, "/api/v2/incremental/tickets.json", start_time=0, per_page=9)
    second = ask(client, first["next_page"])
    assert second["tickets"][0]["id"] == first["tickets"][-1]["id"]
    last = ask(client, "/api/v2/incremental/tickets.json", start_time=0)
    assert last["end_of_stream"]
    assert last["next_page"]


def test_the_last_minute_is_withheld(zendesk: StandIn, client: httpx.Client) -> None:
    ticket = zendesk.ops.create()
    assert ticket.id not in {row["id"] for row in walk(client)}
    zendesk.clock.advance(59)
    assert ticket.id not in {row["id"] for row in walk(client)}
    zendesk.clock.advance(1)
    assert ticket.id in {row["id"] for row in walk(client)}


@pytest.mark.parametrize(
    ("mode", "status", "word"), [("400", 400, "StartTimeTooRecent"), ("legacy422", 422, "Too rec")]
)
def test_a_start_time_within_the_last_minute_is_refused(
    zendesk: StandIn, client: httpx.Client, mode: str, status: int, word: str
) -> None:
    zendesk.switches.too_recent = mode
    refused = client.get(CURSOR, params={"start_time": zendesk.clock.seconds() - 59})
    assert refused.status_code == status
    assert word in refused.text
    assert client.get(CURSOR, params={"start_time": zendesk.clock.seconds() - 300}).status_code == 200


def test_a_caught_up_cursor_stays_and_a_first_empty_page_has_none(zendesk: StandIn, client: httpx.Client) -> None:
    empty = ask(client, CURSOR, start_time=zendesk.clock.seconds() - 60)
    assert (empty["tickets"], empty["after_cursor"], empty["after_url"]) == ([], None, None)
    assert empty["end_of_stream"]
    cursor = ask(client, CURSOR, start_time=0)["after_cursor"]
    again = ask(client, CURSOR, cursor=cursor)
    assert (again["tickets"], again["after_cursor"], again["end_of_stream"]) == ([], cursor, True)


def test_a_system_touch_moves_the_version_alone_and_the_ticket_to_the_tail(
    zendesk: StandIn, client: httpx.Client
) -> None:
    cursor = ask(client, CURSOR, start_time=0)["after_cursor"]
    before = zendesk.truth[3]
    zendesk.ops.system_touch(3)
    zendesk.settle()
    (row,) = ask(client, CURSOR, cursor=cursor, support_type_scope="all")["tickets"]
    assert row["id"] == 3
    assert row["updated_at"] == before["updated_at"]
    assert row["generated_timestamp"] > before["generated_timestamp"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"start_time": "yesterday"},
        {"start_time": 0, "cursor": "MS4wfHwxfA=="},
        {"cursor": "nonsense"},
        {"start_time": 0, "per_page": 0},
        {"start_time": 0, "support_type_scope": "everything"},
    ],
)
def test_a_request_zendesk_would_refuse_is_refused(client: httpx.Client, query: dict[str, Any]) -> None:
    answer = client.get(CURSOR, params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]


@sized(200)
def test_the_scope_hides_tickets_of_ai_agents_unless_all_are_asked_for(zendesk: StandIn, client: httpx.Client) -> None:
    hidden = {number for number, one in zendesk.truth.items() if one["ai_agent"]}
    assert hidden
    assert {row["id"] for row in walk(client)} == set(zendesk.truth) - hidden
    assert {row["id"] for row in walk(client, support_type_scope="ai_agent")} == hidden
    assert {row["id"] for row in walk(client, support_type_scope="all")} == set(zendesk.truth)


@sized(200)
def test_deleted_tickets_are_in_the_export_unless_excluded(zendesk: StandIn, client: httpx.Client) -> None:
    gone = {number for number, one in zendesk.truth.items() if one["deleted"]}
    assert gone
    rows = walk(client, support_type_scope="all")
    assert {row["id"] for row in rows if row["status"] == "deleted"} == gone
    assert not gone & {row["id"] for row in walk(client, support_type_scope="all", exclude_deleted="true")}
    assert client.get(f"/api/v2/tickets/{min(gone)}/comments.json", params={"page[size]": 5}).status_code == 404


def test_sideloads_come_only_on_pages_that_ask_and_after_url_does_not_ask(client: httpx.Client) -> None:
    page = ask(client, CURSOR, start_time=0, per_page=5, include="users,organizations,comment_count,metric_sets")
    people = {row["requester_id"] for row in page["tickets"]}
    assert people <= {one["id"] for one in page["users"]}
    assert {row["organization_id"] for row in page["tickets"]} - {None} == {one["id"] for one in page["organizations"]}
    assert all(row["comment_count"] >= 1 for row in page["tickets"])
    assert len(page["metric_sets"]) == 5
    assert "users" not in ask(client, page["after_url"])


def test_events_carry_bodies_only_with_the_sideload(zendesk: StandIn, client: httpx.Client) -> None:
    bare = ask(client, EVENTS, start_time=0)["ticket_events"]
    full = ask(client, EVENTS, start_time=0, include="comment_events")["ticket_events"]
    assert not any("body" in child for event in bare for child in event["child_events"])
    bodies = {child["id"]: child["body"] for event in full for child in event["child_events"] if "body" in child}
    wanted = {one["id"]: one["body"] for ticket in zendesk.store.tickets.values() for one in _comments(ticket)}
    assert bodies == wanted
    assert {type(event["via"]) for event in full} == {str, dict}


def _comments(ticket: Any) -> list[dict[str, Any]]:
    return [{"id": one.id, "body": one.body} for one in ticket.comments]


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 250])
def test_comments_are_paged_to_the_last_one(zendesk: StandIn, client: httpx.Client, number: int) -> None:
    ticket = zendesk.ops.create(comments=number)
    path, query, found = f"/api/v2/tickets/{ticket.id}/comments.json", {"page[size]": 100}, []
    while True:
        page = ask(client, path, **query)
        found += [one["id"] for one in page["comments"]]
        if not page["meta"]["has_more"]:
            assert page["links"]["next"] is None
            break
        assert page["links"]["next"]
        query = {"page[size]": 100, "page[after]": page["meta"]["after_cursor"]}
    assert found == [one.id for one in ticket.comments]
    assert zendesk.log.count("comments") == max(1, -(-number // 100))


def test_a_full_last_page_may_be_followed_by_an_empty_one(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.switches.trailing_empty_comment_page = True
    ticket = zendesk.ops.create(comments=100)
    page = ask(client, f"/api/v2/tickets/{ticket.id}/comments", **{"page[size]": 100})
    assert page["meta"]["has_more"]
    last = ask(client, page["links"]["next"])
    assert (last["comments"], last["meta"]["has_more"]) == ([], False)


def test_without_page_size_comments_come_in_the_offset_form(zendesk: StandIn, client: httpx.Client) -> None:
    ticket = zendesk.ops.create(comments=130)
    page = ask(client, f"/api/v2/tickets/{ticket.id}/comments.json")
    assert "meta" not in page
    assert (len(page["comments"]), page["count"]) == (100, 130)
    assert len(ask(client, page["next_page"])["comments"]) == 30


def test_a_page_size_above_a_hundred_is_refused(client: httpx.Client) -> None:
    answer = client.get("/api/v2/tickets/1/comments.json", params={"page[size]": 101})
    assert answer.status_code == 400
    assert "page.size" in answer.json()["error"]["message"]


def test_show_many_leaves_out_what_it_does_not_have(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.ops.soft_delete(2)
    page = ask(client, "/api/v2/tickets/show_many.json", ids="1,2,3,999999")
    assert {row["id"] for row in page["tickets"]} == {
        number for number in (1, 3) if not zendesk.truth[number]["deleted"]
    }
    assert "generated_timestamp" not in page["tickets"][0]
    too_many = ",".join(str(number) for number in range(1, 102))
    assert client.get("/api/v2/tickets/show_many.json", params={"ids": too_many}).status_code == 400


def test_search_stops_at_a_thousand_results(client: httpx.Client) -> None:
    query = {"query": "type:ticket created>2020-01-01", "per_page": 100}
    assert ask(client, "/api/v2/search.json", **query)["results"]
    assert client.get("/api/v2/search.json", params={**query, "page": 11}).status_code == 422


def test_reference_data_has_its_shape(zendesk: StandIn, client: httpx.Client) -> None:
    assert {one["id"] for one in ask(client, "/api/v2/brands.json")["brands"]} == {41, 42, 43}
    assert ask(client, "/api/v2/ticket_fields", **{"page[size]": 5})["meta"]["has_more"]
    assert ask(client, "/api/v2/users/me.json")["user"]["role"] == "admin"
    assert ask(client, "/api/v2/tickets/count.json")["count"]["value"] > 0
    assert ask(client, "/api/v2/custom_statuses")["custom_statuses"][0]["status_category"] == "new"
    assert len(ask(client, "/api/v2/users/show_many.json", ids="9381000000000,1")["users"]) == 1
    assert len(ask(client, "/api/v2/incremental/tickets/sample.json", start_time=0)["tickets"]) <= 50
    unknown = client.get("/api/v2/nothing/here.json")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "text/html; charset=utf-8")
    zendesk.switches.ticket_forms_allowed = False
    assert client.get("/api/v2/ticket_forms.json").status_code == 403


def test_the_clock_is_frozen_and_the_date_header_can_lie(zendesk: StandIn, client: httpx.Client) -> None:
    first = client.get("/api/v2/users/me.json").headers["date"]
    assert client.get("/api/v2/users/me.json").headers["date"] == first
    zendesk.clock.skew = 600
    assert client.get("/api/v2/users/me.json").headers["date"] != first
    zendesk.pace = 30
    before = zendesk.clock.now()
    client.get("/api/v2/users/me.json")
    assert zendesk.clock.now() == before + 30
