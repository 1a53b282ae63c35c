"""Every way in which a call to Zendesk can fail, over the wire, has its typed error; and nothing leaks or follows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from miner import errors
from miner.tickets import zendesk as client_module
from miner.tickets.zendesk import Call, Zendesk
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import config_for, differences, sync

PAGE = Call("incremental/tickets/cursor.json", "a page of tickets", ("tickets", "end_of_stream"), {"start_time": "0"})
FAULTS: list[tuple[str, dict[str, Any], type[errors.ZendeskError]]] = [
    ("401_expired", {}, errors.ZendeskAuthentication),
    ("401_refused", {}, errors.ZendeskAuthentication),
    ("403_scope", {}, errors.ZendeskForbidden),
    ("403_restricted", {}, errors.ZendeskForbidden),
    ("403_product", {}, errors.ZendeskForbidden),
    ("404_record", {}, errors.ZendeskGone),
    ("answer", {"status": 410}, errors.ZendeskGone),
    ("answer", {"status": 400, "data": {"error": "BadRequest"}}, errors.ZendeskRefused),
    ("answer", {"status": 422, "data": {"error": "RecordInvalid"}}, errors.ZendeskRefused),
    ("answer", {"status": 413, "body": "Payload Too Large"}, errors.ZendeskTooBig),
    ("429_text", {}, errors.ZendeskLimited),
    ("429_json", {}, errors.ZendeskLimited),
    ("429_edge", {}, errors.ZendeskLimited),
    ("429_no_header", {}, errors.ZendeskLimited),
    ("429_zero", {}, errors.ZendeskLimited),
    ("429_long", {}, errors.ZendeskLimited),
    ("429_http_date", {}, errors.ZendeskLimited),
    ("429_odd_header", {}, errors.ZendeskLimited),
    ("429_offset", {}, errors.ZendeskRefused),
    ("409", {}, errors.ZendeskTrouble),
    ("500", {}, errors.ZendeskTrouble),
    ("502", {}, errors.ZendeskTrouble),
    ("503", {}, errors.ZendeskTrouble),
    ("520", {}, errors.ZendeskTrouble),
    ("524", {}, errors.ZendeskTrouble),
    ("504", {}, errors.ZendeskTooBig),
    ("200_html", {}, errors.ZendeskBadPayload),
    ("200_empty", {}, errors.ZendeskBadPayload),
    ("200_list", {}, errors.ZendeskBadPayload),
    ("200_null", {}, errors.ZendeskBadPayload),
    ("200_error", {}, errors.ZendeskBadPayload),
    ("truncated_json", {}, errors.ZendeskBadPayload),
    ("broken_gzip", {}, errors.ZendeskBadPayload),
    ("no_rows_key", {}, errors.ZendeskBadPayload),
    ("null_rows", {}, errors.ZendeskBadPayload),
    ("no_end", {}, errors.ZendeskBadPayload),
    ("reset", {}, errors.ZendeskTrouble),
    ("cut", {}, errors.ZendeskTrouble),
    ("hang", {}, errors.ZendeskTooBig),
    ("drip", {"seconds": 3}, errors.ZendeskTooBig),
    ("redirect", {}, errors.ZendeskTrouble),
    ("redirect", {"status": 301}, errors.ZendeskTrouble),
    ("redirect", {"status": 307}, errors.ZendeskTrouble),
]


@pytest.mark.parametrize(
    ("fault", "how", "kind"), FAULTS, ids=[f"{name}-{how.get('status', '')}".strip("-") for name, how, _ in FAULTS]
)
def test_each_fault_is_one_typed_error_that_tells_no_secret_and_follows_nobody(
    zendesk: StandIn, fault: str, how: dict[str, Any], kind: type[errors.ZendeskError]
) -> None:
    zendesk.faults.add(fault, **how)
    with Zendesk(config_for(zendesk), seconds=0.5) as client, pytest.raises(errors.ZendeskError) as raised:
        client.get(PAGE, authorization=f"Bearer {zendesk.bearer}")
    assert type(raised.value) is kind
    assert zendesk.bearer not in str(raised.value)
    assert not any(one.subject and one.subject in str(raised.value) for one in zendesk.store.tickets.values())
    assert list(zendesk.elsewhere.log) == []


def test_an_address_elsewhere_in_an_answer_is_data_and_is_not_followed(zendesk: StandIn) -> None:
    zendesk.faults.add("foreign_url")
    with Zendesk(config_for(zendesk)) as client:
        answer = client.get(PAGE, authorization=f"Bearer {zendesk.bearer}")
    assert answer.data["after_url"].startswith(zendesk.elsewhere.base_url)
    assert list(zendesk.elsewhere.log) == []


def test_a_host_that_does_not_answer_is_trouble(zendesk: StandIn) -> None:
    config = config_for(zendesk, zendesk_base_url="http://127.0.0.1:9")
    with Zendesk(config) as client, pytest.raises(errors.ZendeskTrouble, match="cannot be reached"):
        client.get(PAGE, authorization="Bearer x")


def test_an_answer_of_too_many_bytes_is_too_big(zendesk: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MOST_BYTES", 1_000)
    with Zendesk(config_for(zendesk)) as client, pytest.raises(errors.ZendeskTooBig, match="is over"):
        client.get(PAGE, authorization=f"Bearer {zendesk.bearer}")


@pytest.mark.parametrize("route", ["tickets_cursor", "comments"])
def test_a_call_that_is_never_answered_is_given_up_and_asked_again(
    zendesk: StandIn, session: Session, route: str
) -> None:
    zendesk.switches.page_cap = 10
    zendesk.faults.add("hang", route, skip=2)
    sync(zendesk, backfill_days=100, answer_seconds=1.0)
    assert zendesk.faults.fired["hang"] == 1
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("fault", ["403_restricted", "422"])
def test_what_no_second_try_can_mend_ends_the_run_and_loses_nothing(
    zendesk: StandIn, session: Session, fault: str
) -> None:
    zendesk.switches.page_cap = 10
    rule = {"do": fault} if fault != "422" else {"do": "answer", "status": 422, "data": {"error": "RecordInvalid"}}
    zendesk.faults.add(**rule, on="tickets_cursor", skip=3)
    with pytest.raises((errors.ZendeskForbidden, errors.ZendeskRefused)):
        sync(zendesk, backfill_days=100)
    sync(zendesk)
    assert differences(session, zendesk) == {}
