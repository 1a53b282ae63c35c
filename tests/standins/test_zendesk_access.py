"""The Zendesk stand-in: who may ask, and how often."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.standins.zendesk import oauth
from tests.standins.zendesk.standin import StandIn
from tests.standins.zendesk.webhook import VECTOR, sign

CURSOR = "/api/v2/incremental/tickets/cursor.json"


def get(zendesk: StandIn, path: str, authorization: str | None = None, **query: Any) -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.get(zendesk.base_url + path, params=query, headers=headers)


def bearer(zendesk: StandIn) -> str:
    return f"Bearer {zendesk.bearer}"


def grant(zendesk: StandIn, **form: Any) -> httpx.Response:
    asked = {"grant_type": "client_credentials", "client_id": zendesk.client_id, "client_secret": zendesk.client_secret,
             "scope": "read"} | form  # fmt: skip
    return httpx.post(f"{zendesk.base_url}/oauth/tokens", json=asked)


def test_a_request_without_or_with_wrong_credentials_is_401(zendesk: StandIn) -> None:
    for authorization in (None, "Bearer nonsense", "Basic bm9uc2Vuc2U=", "Digest x"):
        answer = get(zendesk, "/api/v2/users/me.json", authorization)
        assert answer.status_code == 401
        assert answer.json()["error"] in ("Couldn't authenticate you", "invalid_token")


def test_email_and_api_token_work_until_the_day_they_end(zendesk: StandIn) -> None:
    pair = (f"{zendesk.email}/token", zendesk.api_token)
    assert httpx.get(f"{zendesk.base_url}/api/v2/users/me.json", auth=pair).status_code == 200
    zendesk.oauth.api_tokens = False
    assert httpx.get(f"{zendesk.base_url}/api/v2/users/me.json", auth=pair).status_code == 401


def test_a_token_lapses_when_its_life_is_over(zendesk: StandIn) -> None:
    answer = grant(zendesk, expires_in=600)
    assert answer.status_code == 201
    token = f"Bearer {answer.json()['access_token']}"
    assert answer.json()["expires_in"] == 600
    assert "refresh_token" not in answer.json()
    zendesk.clock.advance(599)
    assert get(zendesk, "/api/v2/users/me.json", token).status_code == 200
    expires = get(zendesk, "/api/v2/oauth/tokens/current.json", token).json()["token"]["expires_at"]
    assert expires.endswith("Z")
    zendesk.clock.advance(1)
    assert get(zendesk, "/api/v2/users/me.json", token).json()["error"] == "invalid_token"


def test_a_life_is_told_only_to_those_who_asked_for_one_and_half_an_hour_otherwise(zendesk: StandIn) -> None:
    answer = grant(zendesk).json()
    assert "expires_in" not in answer
    zendesk.clock.advance(1800)
    assert get(zendesk, "/api/v2/users/me.json", f"Bearer {answer['access_token']}").status_code == 401


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"expires_in": 300}, 400, "invalid_request"),
        ({"expires_in": 172_800}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, 400, "invalid_grant"),
    ],
)
def test_a_wrong_grant_is_refused(zendesk: StandIn, form: dict[str, Any], status: int, error: str) -> None:
    answer = grant(zendesk, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_refresh_token_kills_the_pair_it_came_with(zendesk: StandIn) -> None:
    pair = zendesk.oauth.issue_pair()
    fresh = grant(zendesk, grant_type="refresh_token", refresh_token=pair.refresh).json()
    assert get(zendesk, "/api/v2/users/me.json", f"Bearer {pair.value}").status_code == 401
    assert get(zendesk, "/api/v2/users/me.json", f"Bearer {fresh['access_token']}").status_code == 200
    assert grant(zendesk, grant_type="refresh_token", refresh_token=pair.refresh).status_code == 400
    assert zendesk.oauth.reused_refresh_tokens == 1


def test_a_wrong_scope_mints_a_token_that_is_good_for_nothing(zendesk: StandIn) -> None:
    token = f"Bearer {grant(zendesk, scope='raed').json()['access_token']}"
    answer = get(zendesk, "/api/v2/users/me.json", token)
    assert (answer.status_code, "required scopes" in answer.text) == (403, True)
    narrow = f"Bearer {grant(zendesk, scope='tickets:read').json()['access_token']}"
    assert get(zendesk, "/api/v2/tickets/count.json", narrow).status_code == 200
    assert get(zendesk, CURSOR, narrow, start_time=0).status_code == 403


def test_exports_are_for_admins(zendesk: StandIn) -> None:
    zendesk.switches.role = "agent"
    assert get(zendesk, CURSOR, bearer(zendesk), start_time=0).status_code == 403
    assert get(zendesk, "/api/v2/tickets/count.json", bearer(zendesk)).status_code == 200


def test_the_export_budget_runs_out_and_comes_back_with_the_minute(zendesk: StandIn) -> None:
    zendesk.limits.set(account=700, export=3)
    zendesk.clock.advance(60 - zendesk.clock.now() % 60 + 20)
    answers = [get(zendesk, CURSOR, bearer(zendesk), start_time=0) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[3].headers["retry-after"] == "40"
    assert answers[3].headers["content-type"].startswith("text/plain")
    assert int(answers[3].headers["x-rate-limit-remaining"]) > 600
    assert get(zendesk, "/api/v2/users/me.json", bearer(zendesk)).status_code == 200
    zendesk.clock.advance(40)
    assert get(zendesk, CURSOR, bearer(zendesk), start_time=0).status_code == 200
    assert zendesk.limits.provoked == {"export": 1}
    assert zendesk.limits.used_by_window("export") == [3, 1]


@pytest.mark.parametrize(("separate", "last"), [(False, 429), (True, 200)])
def test_exports_share_a_budget_or_have_their_own(zendesk: StandIn, separate: bool, last: int) -> None:
    zendesk.limits.set(export=1)
    zendesk.limits.per_endpoint = separate
    assert get(zendesk, CURSOR, bearer(zendesk), start_time=0).status_code == 200
    answer = get(zendesk, "/api/v2/incremental/ticket_events.json", bearer(zendesk), start_time=0)
    assert answer.status_code == last


def test_the_account_budget_is_shared_with_the_customers_other_tools(zendesk: StandIn) -> None:
    zendesk.limits.set(account=100)
    zendesk.limits.other_tools = 60
    zendesk.clock.advance(60 - zendesk.clock.now() % 60 + 30)
    answer = get(zendesk, "/api/v2/users/me.json", bearer(zendesk))
    assert answer.headers["x-rate-limit"] == "100"
    assert answer.headers["x-rate-limit-remaining"] == "69"
    listing = get(zendesk, "/api/v2/tickets.json", bearer(zendesk))
    assert (listing.headers["ratelimit-reset"], "ratelimit-reset" in answer.headers) == ("30", False)


def test_limits_are_counted_and_not_enforced_until_they_are_set(zendesk: StandIn) -> None:
    assert {get(zendesk, CURSOR, bearer(zendesk), start_time=0).status_code for _ in range(12)} == {200}
    assert zendesk.limits.taken["export"] == 12
    assert not zendesk.limits.provoked


def test_the_webhook_vector_is_signed_as_zendesk_signs() -> None:
    assert sign(VECTOR["secret"], VECTOR["timestamp"], VECTOR["body"].encode()) == VECTOR["signature"]
    assert oauth.CLIENT_SECRET not in VECTOR.values()
