"""`miner doctor`: at most six calls, and words that say what to fix."""

from __future__ import annotations

from typing import Any

import pytest

from miner.config import Config
from miner.tickets.doctor import check_account
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import config_for

NO_CLIENT = {"zendesk_oauth_client_id": None, "zendesk_oauth_client_secret": None}


def examined(zendesk: StandIn, **changes: Any) -> tuple[str, str]:
    """The states, and all sentences."""
    findings = check_account(config_for(zendesk, **changes))
    assert len(zendesk.log) <= 6
    return " ".join(one.state for one in findings), "\n".join(one.sentence for one in findings)


def test_a_good_connection_is_told_in_six_calls_at_most(zendesk: StandIn) -> None:
    states, said = examined(zendesk, zendesk_brand_ids=(41,))
    assert set(states.split()) == {"ok"}
    for word in ("admin", "may export", "comments", "700 calls a minute", "10 exports", "Acme"):
        assert word in said


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"zendesk_oauth_client_secret": "wrong"}, "ZENDESK_OAUTH_CLIENT_SECRET"),
        (NO_CLIENT | {"zendesk_oauth_token": "stale"}, "refuses the credentials"),
        ({"zendesk_brand_ids": (41, 99)}, "ZENDESK_BRAND_ID names 99"),
        (NO_CLIENT, "ZENDESK_OAUTH_CLIENT_ID"),
        ({"zendesk_base_url": "http://127.0.0.1:9"}, "cannot be reached"),
    ],
)
def test_each_fault_says_what_to_set(zendesk: StandIn, changes: dict[str, Any], word: str) -> None:
    states, said = examined(zendesk, **changes)
    assert states.split()[-1] == "failed"
    assert word in said


def test_a_login_without_the_right_role_or_scope_is_found(zendesk: StandIn) -> None:
    zendesk.switches.role = "agent"
    assert "the role agent: exports need an admin" in examined(zendesk)[1]


def test_an_api_token_is_warned_about(zendesk: StandIn) -> None:
    key = NO_CLIENT | {"zendesk_email": zendesk.email, "zendesk_api_token": zendesk.api_token}
    states, said = examined(zendesk, **key)
    assert states.startswith("warning")
    assert "30 April 2027" in said


def test_nothing_configured_is_one_sentence() -> None:
    (finding,) = check_account(Config.from_environment({}))
    assert "ZENDESK_SUBDOMAIN" in finding.sentence


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("500", "answers 500"),
        ("504", "too much at once"),
        ("429_text", "asks for fewer calls"),
        ("200_html", "not whole JSON"),
        ("truncated_json", "not whole JSON"),
        ("reset", "cannot be reached"),
        ("redirect", "check ZENDESK_SUBDOMAIN"),
        ("403_product", "does not allow"),
    ],
)
@pytest.mark.parametrize("route", ["token", "me", "sample", "comments", "brands"])
def test_whatever_call_fails_it_is_a_sentence_and_the_end(zendesk: StandIn, fault: str, word: str, route: str) -> None:
    zendesk.faults.add(fault, route)
    states, said = examined(zendesk)
    assert zendesk.faults.fired[fault] == 1
    assert states.split()[-1] == "failed"
    assert word in said or "may not export" in said
