from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.tickets.customers import CustomerData, company_domain
from miner.tickets.payload import parse_ticket

EXPORTED: dict[str, Any] = {
    "url": "https://acme.zendesk.com/api/v2/tickets/48121.json",
    "id": 48121,
    "external_id": None,
    "via": {"channel": "email", "source": {"from": {"address": "kim@example.invalid", "name": "Kim Ito"}}},
    "created_at": "2026-11-20T09:14:03Z",
    "updated_at": "2026-11-22T16:40:55Z",
    "generated_timestamp": 1795366785,
    "type": "incident",
    "subject": "Export to CSV drops last column",
    "raw_subject": "Export to CSV drops last column",
    "description": "When I export the table, the last column is missing.",
    "priority": "high",
    "status": "open",
    "recipient": "help@acme.invalid",
    "requester_id": 381001,
    "submitter_id": 381001,
    "assignee_id": 55,
    "organization_id": 7702,
    "tags": ["csv", "v4_2"],
    "custom_fields": [
        {"id": 11001, "value": "billing"},
        {"id": 11003, "value": ["ios", "web"]},
        {"id": 11004, "value": "x" * 5_000},
    ],
    "fields": [{"id": 11001, "value": "billing"}],
    "satisfaction_rating": {"score": "bad", "comment": "Never again"},
    "ticket_form_id": 610,
}


def exported(**changes: Any) -> dict[str, Any]:
    return {**EXPORTED, **changes}


def comment(number: int, body: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "author_id": 381001,
        "plain_body": body,
        "body": body,
        "public": True,
        "created_at": f"2026-11-20T09:{14 + number}:03Z",
        "metadata": {"system": {"ip_address": "203.0.113.9", "location": "Kyoto"}},
        **changes,
    }


def test_an_exported_ticket_becomes_columns_and_facts_without_text_or_addresses() -> None:
    ticket = parse_ticket(EXPORTED, source="zendesk:acme")
    assert (ticket.source_id, ticket.zendesk_ticket_id, ticket.generated_timestamp) == ("48121", 48121, 1795366785)
    assert ticket.url == "https://acme.zendesk.com/agent/tickets/48121"
    assert ticket.text == "Export to CSV drops last column\n\nWhen I export the table, the last column is missing."
    assert ticket.created_at == dt.datetime(2026, 11, 20, 9, 14, 3, tzinfo=dt.UTC)
    assert ticket.customer == CustomerData("organization", "7702")
    assert ticket.tags == ["csv", "v4_2"]
    assert ticket.raw["via"] == "email"
    assert ticket.raw["satisfaction_rating"] == "bad"
    assert ticket.raw["custom_fields"][1] == {"id": 11003, "value": ["ios", "web"]}
    stored = json.dumps(ticket.raw)
    for secret in ("kim@", "Kim Ito", "help@acme", "Never again", "xxxx", "raw_subject"):
        assert secret not in stored


def test_a_ticket_from_a_file_has_no_zendesk_number() -> None:
    assert parse_ticket(EXPORTED, source="file:export.ndjson").zendesk_ticket_id is None


def test_comments_follow_in_order_of_time_and_a_private_note_stays_out_of_the_text() -> None:
    ticket = parse_ticket(
        exported(
            comments=[
                comment(3, "Any news?"),
                comment(1, EXPORTED["description"]),
                comment(2, "Look at the index", public=False, author_id=55),
                comment(4, "Fixed now", author_id=55),
                comment(5, "Me too", author_id=9),
            ]
        ),
        source="file:x",
    )
    assert [one.body for one in ticket.comments] == [
        EXPORTED["description"], "Look at the index", "Any news?", "Fixed now", "Me too",
    ]  # fmt: skip
    assert [one.author_kind for one in ticket.comments] == ["customer", "agent", "customer", "agent", "unknown"]
    assert "index" not in ticket.text
    assert ticket.text.count(EXPORTED["description"]) == 1
    for one in ticket.comments:
        assert (one.start is None) == (not one.public)
        if one.start is not None:
            assert ticket.text[one.start : one.end] == one.body


def test_a_private_first_message_keeps_the_description_out_of_the_text() -> None:
    ticket = parse_ticket(exported(comments=[comment(1, EXPORTED["description"], public=False)]), source="file:x")
    assert ticket.text == EXPORTED["subject"]
    assert parse_ticket(exported(is_public=False), source="file:x").text == EXPORTED["subject"]


def test_a_comment_that_is_not_the_description_comes_after_it() -> None:
    ticket = parse_ticket(exported(comments=[comment(1, "Any news?")]), source="file:x")
    assert [one.body for one in ticket.comments] == [EXPORTED["description"], "Any news?"]


@pytest.mark.parametrize(
    ("spelling", "created_at"),
    [
        ("2026-11-20T09:14:03Z", dt.datetime(2026, 11, 20, 9, 14, 3, tzinfo=dt.UTC)),
        ("2026-11-20 09:14:03 +0200", dt.datetime(2026, 11, 20, 7, 14, 3, tzinfo=dt.UTC)),
        ("2026-11-20 09:14:03 UTC", dt.datetime(2026, 11, 20, 9, 14, 3, tzinfo=dt.UTC)),
        ("2026/11/20 09:14", dt.datetime(2026, 11, 20, 9, 14, tzinfo=dt.UTC)),
        ("2026-11-20", dt.datetime(2026, 11, 20, tzinfo=dt.UTC)),
        (1795166043, dt.datetime(2026, 11, 20, 9, 14, 3, tzinfo=dt.UTC)),
        ("1795166043000", dt.datetime(2026, 11, 20, 9, 14, 3, tzinfo=dt.UTC)),
    ],
)
def test_a_time_is_read_in_the_common_spellings(spelling: object, created_at: dt.datetime) -> None:
    assert parse_ticket(exported(created_at=spelling), source="file:x").created_at == created_at


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "id is missing"),
        ({"id": {"a": 1}}, "id is not text or a number"),
        ({"id": "x" * 300}, "id is longer than 255"),
        ({"created_at": None}, "created_at is missing"),
        ({"created_at": "03/04/2026"}, "created_at is not a time such as"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at is not"),
        ({"created_at": "9999-12-31T23:59:59-14:00"}, "created_at is not"),
        ({"created_at": float("inf")}, "created_at is not a time"),
        ({"updated_at": "soon"}, "updated_at is not a time"),
        ({"comments": "none"}, "comments is not a list"),
        ({"comments": [comment(1, "a", created_at="x")]}, r"comments\[0\].created_at is not a time"),
        ({"comments": [3]}, r"comments\[0\] is not an object"),
        ({"description": ["a"]}, "description is not text"),
        ({"subject": "", "raw_subject": None, "description": None}, "it has no text"),
        ({"status": "deleted"}, "deleted at its source"),
    ],
)
def test_a_broken_record_is_refused_naming_the_field_but_not_its_content(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        parse_ticket(exported(**changes), source="file:x")
    assert "03/04/2026" not in str(refused.value)


def test_what_is_unknown_or_missing_is_tolerated() -> None:
    ticket = parse_ticket(
        {"id": "A-1", "created_at": "2026-11-20", "subject": "Crash", "status": "parked", "priority": "blocker",
         "via": "chat", "url": "javascript:alert(1)", "custom_fields": {"a": 1}, "generated_timestamp": 10**30},
        source="file:x",
    )  # fmt: skip
    assert (ticket.status, ticket.priority, ticket.raw) == ("parked", "blocker", {"via": "chat"})
    assert (ticket.url, ticket.customer, ticket.requester, ticket.generated_timestamp) == (None, None, None, None)
    assert ticket.updated_at == ticket.created_at


def test_a_simple_record_is_read_under_its_common_names() -> None:
    ticket = parse_ticket(
        {"Ticket ID": 7.0, "Title": "Slow", "Body": "It is slow.", "Created": "2026-11-20", "Email": "a@acme.example",
         "Tags": "slow, app", "State": "new"},
        source="file:x",
    )  # fmt: skip
    assert (ticket.source_id, ticket.subject, ticket.status, ticket.tags) == ("7", "Slow", "new", ["slow", "app"])
    assert (ticket.requester, ticket.customer) == ("a@acme.example", CustomerData("domain", "acme.example"))


def test_of_two_spellings_the_one_that_says_something_wins() -> None:
    ticket = parse_ticket({"id": 1, "created_at": "2026-11-20", "subject": "", "raw_subject": "Raw"}, source="file:x")
    assert ticket.subject == "Raw"


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("kim@acme.example", "acme.example"),
        ("Kim Ito <Kim@ACME.example>", "acme.example"),
        ("kim@gmail.com", None),
        ("kim@yahoo.co.jp", None),
        ("kim@hotmail.co.uk", None),
        ("381001", None),
        ("kim@localhost", None),
        ("", None),
    ],
)
def test_a_mail_domain_counts_unless_everybody_may_have_it(address: str, domain: str | None) -> None:
    assert company_domain(address) == domain


def test_a_requester_stands_for_the_customer_where_nothing_else_is_known() -> None:
    given = exported(organization_id=None)
    assert parse_ticket(given, source="file:x").customer == CustomerData("requester", "381001")
    assert parse_ticket({**given, "requester": {"id": 4, "email": "a@b.example"}}, source="file:x").customer == (
        CustomerData("domain", "b.example")
    )
    named = exported(organization_id=None, organization={"id": 3, "name": "Acme"})
    assert parse_ticket(named, source="file:x").customer == CustomerData("organization", "3", "Acme")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from([*EXPORTED, "comments", "requester", "organization"]), json_values))
def test_whatever_a_record_holds_it_is_a_storable_ticket_or_a_reason(changes: dict[str, Any]) -> None:
    try:
        ticket = parse_ticket(exported(**changes), source="zendesk:acme")
    except ValueError:
        return
    json.dumps(ticket.raw, allow_nan=False).encode()
    authors = [one.author or "" for one in ticket.comments]
    for value in (ticket.source_id, ticket.text, ticket.subject, ticket.status, *ticket.tags, *authors, repr(ticket)):
        assert "\x00" not in value
        assert value.encode("utf-8").decode() == value
