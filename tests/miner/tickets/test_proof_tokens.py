"""Proof 12: an hour's backfill goes through a dozen tokens, whether their end was foretold or not."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import differences, sync

HOUR = 3_600.0


@pytest.mark.parametrize("zendesk", [{"tickets": 400}], indirect=True)
@pytest.mark.parametrize("foretold", [True, False])
def test_tokens_that_last_five_minutes_carry_an_hours_backfill(
    zendesk: StandIn, session: Session, monkeypatch: pytest.MonkeyPatch, foretold: bool
) -> None:
    zendesk.switches.page_cap, zendesk.switches.comment_page_cap = 10, 2
    zendesk.pace = 6.0  # seconds a request
    # Single calls alone: with an export among them, more time is in flight than a token has left when it is renewed.
    monkeypatch.setattr("miner.tickets.events.WORTH_BEGINNING", 1_000)
    if foretold:
        monkeypatch.setattr("miner.tickets.zendesk_login.TOKEN_SECONDS", 301)
    else:
        zendesk.faults.add("revoke_tokens", every=50, times=None)  # 50 requests are five minutes
    sync(zendesk, backfill_days=100)
    spent = zendesk.clock.now() - min(one.time for one in zendesk.log)
    assert spent >= HOUR
    assert zendesk.oauth.issued >= spent / 301
    refused = [one for one in zendesk.log if one.status == 401]
    assert bool(refused) != foretold, "a token whose end is known is renewed before it"
    zendesk.quiet()
    sync(zendesk)
    assert differences(session, zendesk) == {}
