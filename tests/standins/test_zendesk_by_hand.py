"""The Zendesk stand-in as a program: started, controlled over HTTP, compared with an account."""

from __future__ import annotations

import httpx
import pytest

from tests.standins.zendesk.probe import compare
from tests.standins.zendesk.process import Process
from tests.standins.zendesk.standin import StandIn

CURSOR = "/api/v2/incremental/tickets/cursor.json"


def test_it_runs_by_hand_and_is_controlled_over_http() -> None:
    with Process(tickets=12, speed=0, export=2) as zendesk:
        assert zendesk.ctl("state")["tickets"] == 12
        assert zendesk.ctl("ops", [{"op": "comment", "pick": 3, "text": "More."}])["done"]
        assert len(zendesk.ctl("truth")["tickets"]) == 12
        zendesk.ctl("faults", {"do": "503", "on": "me"})
        headers = {"Authorization": f"Bearer {StandIn.bearer}"}
        with httpx.Client(base_url=zendesk.base_url, headers=headers) as client:
            assert [client.get("/api/v2/users/me").status_code for _ in range(2)] == [503, 200]
            codes = [client.get(CURSOR, params={"start_time": 0}).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert [one["route"] for one in zendesk.ctl("log")["entries"]].count("me") == 2
        assert "503" in httpx.get(f"{zendesk.base_url}/_ctl").json()["acts"]
        assert httpx.post(f"{zendesk.base_url}/_ctl/faults", json={"do": "no such"}).status_code == 400


@pytest.mark.parametrize("zendesk", [{"tickets": 60}], indirect=True)
def test_the_probe_finds_no_difference_to_itself(zendesk: StandIn) -> None:
    found = compare(zendesk.base_url, zendesk.bearer)
    assert list(found.values()) == [([], [])] * 6
