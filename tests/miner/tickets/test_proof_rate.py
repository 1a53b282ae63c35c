"""Proof 9: a backfill takes nearly all that is allowed, minute for minute, and never more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy.orm import Session

from miner.tickets.pace import HEADROOM
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import Run, config_for, differences

ACCOUNT, EXPORT = 60, 10


def full_minutes(used: Sequence[int]) -> float:
    """The mean of the minutes in which there was work from the first second to the last."""
    whole = used[1:-1]
    assert len(whole) >= 5, used
    return sum(whole) / len(whole)


@pytest.mark.parametrize("zendesk", [{"tickets": 600}], indirect=True)
def test_a_backfill_uses_95_percent_of_the_exports_and_90_of_the_account_and_is_never_refused(
    zendesk: StandIn, session: Session
) -> None:
    zendesk.limits.set(account=ACCOUNT, export=EXPORT)
    zendesk.switches.page_cap = 10
    Run(config_for(zendesk), backfill_days=100).work(zendesk)
    exports, calls = (zendesk.limits.used_by_window(name) for name in ("export", "account"))
    assert not zendesk.limits.provoked
    assert max(exports) <= EXPORT
    assert full_minutes(exports) >= 0.95 * EXPORT
    assert full_minutes(calls) >= 0.90 * HEADROOM * ACCOUNT
    assert differences(session, zendesk) == {}
