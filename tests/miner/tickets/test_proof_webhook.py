"""Proof 18: a call that is Zendesk's wakes the sync, whatever else knocks wakes nobody; the export stays the truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest
from sqlalchemy.orm import Session

from miner.tickets.webhook import fault_in
from tests.standins.zendesk.standin import StandIn
from tests.standins.zendesk.webhook import VECTOR, delivery, ticket_event
from tests.support.mirror import differences, sync

SECRET = VECTOR["secret"]


def wake(zendesk: StandIn, headers: Mapping[str, str], body: bytes, *, secret: str = SECRET) -> bool:
    """What the webhook's door does with a call at the stand-in's time: sync, or nothing."""
    now = dt.datetime.fromtimestamp(zendesk.clock.now(), dt.UTC)
    signature, timestamp = (headers.get(f"X-Zendesk-Webhook-Signature{end}") for end in ("", "-Timestamp"))
    if fault_in(secret=secret, signature=signature, timestamp=timestamp, body=body, now=now):
        return False
    sync(zendesk)
    return True


def test_the_vector_wakes_and_tampered_late_and_forged_calls_do_not_and_the_mirror_is_the_accounts(
    zendesk: StandIn, session: Session
) -> None:
    sync(zendesk, backfill_days=100)
    zendesk.ops.comment(7, "It crashed again.")
    zendesk.settle()
    at = zendesk.clock.seconds()
    headers, body = delivery(SECRET, ticket_event(7, at=at), at=at)
    asked = len(zendesk.log)
    assert not wake(zendesk, headers, body.replace(b"7", b"8"))
    assert not wake(zendesk, headers, body, secret="another")
    assert not wake(zendesk, headers | {"X-Zendesk-Webhook-Signature-Timestamp": "2026-11-23T20:15:05Z"}, body)
    assert not wake(zendesk, {}, body)
    late, old = delivery(SECRET, ticket_event(7, at=at), at=at - 301)
    assert not wake(zendesk, late, old)
    assert len(zendesk.log) == asked, "nobody was woken"
    assert set(differences(session, zendesk)) == {7}
    assert wake(zendesk, headers, body)
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("kind", ["comment_added", "status_changed", "merged"])
def test_what_a_call_says_of_a_ticket_is_never_stored(zendesk: StandIn, session: Session, kind: str) -> None:
    """Calls come late, twice, in any order and for tickets that are gone: they ring a bell, and no more."""
    sync(zendesk, backfill_days=100)
    at = zendesk.clock.seconds()
    for number in (7, 999_999, 7):
        assert wake(zendesk, *delivery(SECRET, ticket_event(number, kind, at=at), at=at))
        assert differences(session, zendesk) == {}
