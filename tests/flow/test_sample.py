"""The sample: in by one run that leads to the week, out by one button that leads back to setting up."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.commands.work import work_here
from tests.dashboard.conftest import make_client


@pytest.mark.soak
def test_the_sample_goes_in_by_one_run_and_out_by_one_button(session: Session) -> None:
    found = work_here("sample", {})
    assert (found["state"], found["counters"]["tickets"]) == ("completed", 1_076)
    assert [step["state"] for step in found["steps"]] == ["completed"] * 4
    with make_client() as client:
        client.headers["sec-fetch-site"] = "same-origin"
        assert ">Test now" not in client.get("/").text
        answer = client.post("/start/sample/remove", data={"sure": "yes"})
        assert answer.headers["location"] == "/start"
        assert "Load the sample" in client.get("/").text
    left = "SELECT (SELECT count(*) FROM tickets) + (SELECT count(*) FROM issues) + (SELECT count(*) FROM theme_days)"
    assert session.scalar(text(left)) == 0
    assert session.scalar(text("SELECT count(*) FROM themes WHERE retired_at IS NULL")) == 0
    assert session.scalar(text("SELECT count(*) FROM job_runs")) == 1
