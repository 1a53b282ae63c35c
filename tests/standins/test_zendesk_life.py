"""The Zendesk stand-in: what happens to tickets shows where Zendesk shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins.zendesk.model import SCRUBBED_WORD
from tests.standins.zendesk.oddities import HUGE, add_oddities
from tests.standins.zendesk.standin import StandIn

CURSOR, EVENTS = "/api/v2/incremental/tickets/cursor.json", "/api/v2/incremental/ticket_events.json"


@pytest.fixture
def client(zendesk: StandIn) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {zendesk.bearer}"}
    with httpx.Client(base_url=zendesk.base_url, headers=headers, timeout=20) as client:
        yield client


def exported(zendesk: StandIn, client: httpx.Client) -> dict[int, dict[str, Any]]:
    zendesk.settle()
    page = client.get(CURSOR, params={"start_time": 0, "support_type_scope": "all"}).json()
    assert page["end_of_stream"]
    return {row["id"]: row for row in page["tickets"]}


def comments(client: httpx.Client, ticket: int) -> list[dict[str, Any]]:
    return client.get(f"/api/v2/tickets/{ticket}/comments", params={"page[size]": 100}).json()["comments"]


def test_a_deleted_ticket_comes_back_until_it_is_scrubbed(zendesk: StandIn, client: httpx.Client) -> None:
    ticket = zendesk.ops.create(subject="Lost")
    zendesk.ops.soft_delete(ticket)
    assert exported(zendesk, client)[ticket.id]["status"] == "deleted"
    assert client.get(f"/api/v2/tickets/{ticket.id}.json").status_code == 404
    listed = client.get("/api/v2/deleted_tickets.json").json()["deleted_tickets"]
    assert ticket.id in {one["id"] for one in listed}
    zendesk.ops.undelete(ticket)
    assert exported(zendesk, client)[ticket.id]["status"] == "open"
    zendesk.ops.scrub(ticket)
    zendesk.ops.undelete(ticket)
    row = exported(zendesk, client)[ticket.id]
    assert (row["status"], row["subject"], row["description"]) == ("deleted", SCRUBBED_WORD, SCRUBBED_WORD)
    assert zendesk.truth[ticket.id]["comments"] == []


def test_a_purged_ticket_leaves_no_trace(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.ops.purge(5)
    assert 5 not in exported(zendesk, client)
    assert 5 not in zendesk.truth
    events = client.get(EVENTS, params={"start_time": 0}).json()["ticket_events"]
    assert 5 not in {one["ticket_id"] for one in events}


def test_a_merge_closes_one_ticket_and_marks_the_other(zendesk: StandIn, client: httpx.Client) -> None:
    loser, winner = zendesk.ops.create(), zendesk.ops.create()
    zendesk.ops.merge(loser, winner)
    rows = exported(zendesk, client)
    assert rows[loser.id]["status"] == "closed"
    assert "closed_by_merge" in rows[loser.id]["tags"]
    note = comments(client, loser.id)[-1]
    assert (note["public"], f"#{winner.id}" in note["body"]) == (False, True)
    source = comments(client, winner.id)[-1]["via"]["source"]
    assert (source["rel"], source["from"]["ticket_ids"]) == ("merge", [loser.id])
    assert (zendesk.truth[loser.id]["merged_into"], zendesk.truth[winner.id]["merged_from"]) == (winner.id, [loser.id])


@pytest.mark.parametrize("keeps", [False, True])
def test_a_redaction_blackens_the_comment_and_perhaps_the_old_event(
    zendesk: StandIn, client: httpx.Client, keeps: bool
) -> None:
    zendesk.switches.events_keep_original = keeps
    ticket = zendesk.ops.create(body="my card is 4111 1111")
    version = ticket.generated
    zendesk.clock.advance(5)
    zendesk.ops.redact(ticket, 0, "4111 1111")
    assert ticket.generated == version + 5
    assert "4111" not in comments(client, ticket.id)[0]["body"]
    zendesk.settle()
    query = {"start_time": version, "include": "comment_events"}
    events = client.get(EVENTS, params=query).json()["ticket_events"]
    children = [child for one in events for child in one["child_events"] if one["ticket_id"] == ticket.id]
    bodies = [child["body"] for child in children if "body" in child]
    assert ["4111" in body for body in bodies] == [keeps]


def test_a_redaction_may_leave_the_version_as_it_is(zendesk: StandIn) -> None:
    zendesk.switches.redaction_moves_version = False
    version = zendesk.store.tickets[1].generated
    zendesk.ops.redact(1)
    assert zendesk.store.tickets[1].generated == version


def test_comments_turn_private_and_vanish(zendesk: StandIn, client: httpx.Client) -> None:
    ticket = zendesk.ops.create(comments=3)
    zendesk.ops.make_private(ticket, 1)
    assert [one["public"] for one in comments(client, ticket.id)] == [True, False, True]
    zendesk.ops.vanish(ticket, 0)
    assert len(comments(client, ticket.id)) == 2
    assert len(zendesk.truth[ticket.id]["comments"]) == 2


def test_transcripts_are_not_among_the_comments(zendesk: StandIn, client: httpx.Client) -> None:
    made = add_oddities(zendesk.ops)
    log = client.get(f"/api/v2/tickets/{made['messaging']}/conversation_log").json()["events"]
    texts = [one["content"]["text"] for one in log if one["type"] == "Messaging::ConversationMessage"]
    assert texts == [one["text"] for one in zendesk.truth[made["messaging"]]["messages"]]
    audits = client.get(f"/api/v2/tickets/{made['chat']}/audits").json()["audits"]
    (chat,) = [event for one in audits for event in one["events"] if event["type"] == "ChatStartedEvent"]
    assert [one["message"] for one in chat["value"]["history"]] == texts
    assert not set(texts) & {one["body"] for one in comments(client, made["chat"])}


def test_oddities_arrive_as_they_are(zendesk: StandIn, client: httpx.Client) -> None:
    made = add_oddities(zendesk.ops)
    rows = exported(zendesk, client)
    assert rows[made["nul"]]["subject"] == "A\x00B"
    assert rows[made["lone_surrogate"]]["subject"].endswith("\ud83d")
    assert len(rows[made["huge_body"]]["description"]) > HUGE - 22
    assert made["large_id"] > 2**40
    assert rows[made["year_1970"]]["created_at"] == "1970-01-01T00:00:00Z"
    assert "fields" not in rows[made["without_fields"]]
    assert rows[made["unknown_status"]]["status"] == "resting"
    assert rows[made["null_subject"]]["subject"] is None
    assert len({type(one["value"]) for one in rows[made["custom_values"]]["custom_fields"]}) > 2
    assert comments(client, made["unknown_author"])[-1]["author_id"] == -1
    assert comments(client, made["voice"])[0]["type"] == "VoiceComment"


def test_a_row_of_a_deleted_ticket_may_be_bare(zendesk: StandIn, client: httpx.Client) -> None:
    zendesk.switches.deleted_rows_bare = True
    zendesk.ops.soft_delete(1)
    assert set(exported(zendesk, client)[1]) == {"id", "status", "generated_timestamp", "created_at", "updated_at"}


def test_operations_are_data_too(zendesk: StandIn) -> None:
    live = sorted(number for number, one in zendesk.truth.items() if not one["deleted"])
    before = len(zendesk.truth[live[2]]["comments"])
    zendesk.ops.perform({"op": "comment", "pick": 2 + len(live), "text": "Again.", "count": 2})
    assert len(zendesk.truth[live[2]]["comments"]) == before + 2
    assert zendesk.ops.perform({"op": "merge", "pick": 1, "pick_into": 1}) is None
    with pytest.raises(ValueError, match="no operation"):
        zendesk.ops.perform({"op": "explode"})


def test_the_truth_can_be_that_of_one_brand(zendesk: StandIn) -> None:
    assert {one["brand_id"] for one in zendesk.truth_of({42}).values()} == {42}


@pytest.mark.parametrize("marked", [False, True])
def test_a_comment_that_was_changed_later_is_told_by_an_event_of_its_own(
    zendesk: StandIn, client: httpx.Client, marked: bool
) -> None:
    zendesk.switches.events_mark_changes = marked
    ticket = zendesk.ops.create(comments=2)
    zendesk.ops.redact(ticket, 0)
    zendesk.ops.make_private(ticket, 1)
    zendesk.settle()
    query = {"start_time": ticket.created_at, "include": "comment_events"}
    events = client.get(EVENTS, params=query).json()["ticket_events"]
    told = [
        (child["event_type"], child["comment_id"])
        for one in events
        for child in one["child_events"]
        if "comment_id" in child
    ]
    first, second = (one.id for one in ticket.comments)
    changes = [("CommentRedactionEvent", first), ("CommentPrivacyChange", second)]
    assert told == (changes if marked else [])
    audits = client.get(f"/api/v2/tickets/{ticket.id}/audits").json()["audits"]
    assert [
        (event["type"], event["comment_id"]) for one in audits for event in one["events"] if "comment_id" in event
    ] == changes


def test_the_truth_of_an_odd_row_is_what_its_row_says_until_it_is_gone(zendesk: StandIn, client: httpx.Client) -> None:
    odd = zendesk.ops.create(overrides={"brand_id": 41, "status": "resting", "priority": None}, priority="high")
    zendesk.ops.agent_update(odd, brand_id=42)
    row, known = exported(zendesk, client)[odd.id], zendesk.truth[odd.id]
    for name in ("brand_id", "status", "priority"):
        assert row[name] == known[name]
    assert odd.id in zendesk.truth_of({41})
    assert odd.id not in zendesk.truth_of({42})
    zendesk.ops.soft_delete(odd)
    assert exported(zendesk, client)[odd.id]["status"] == zendesk.truth[odd.id]["status"] == "deleted"
