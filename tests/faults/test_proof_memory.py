"""Proof 15: a thousand tickets of the greatest length stay far below what a process may use."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import differences
from tests.support.processes import ROOT, python

pytestmark = pytest.mark.faults

CEILING_MB = 400  # of 512, which the smallest plan gives a process


@pytest.mark.parametrize("zendesk", [{"tickets": 0}], indirect=True)
def test_a_thousand_tickets_of_64_kilobytes_are_synced_within_the_memory_of_a_small_process(
    zendesk: StandIn, session: Session, tmp_path: Path
) -> None:
    for number in range(1000):
        zendesk.ops.create(body="The page stays blank. " * 2_900)
        if number % 20 == 0:  # the account shows that it counts notes, so that lone comments need no calls
            zendesk.ops.comment(number + 1, "What now? " * 6_000, public=False)
    zendesk.settle()
    zendesk.limits.budgets["account"].allowed = 1_000_000
    account = {
        "ZENDESK_SUBDOMAIN": "acme",
        "ZENDESK_BASE_URL": zendesk.base_url,
        "ZENDESK_OAUTH_CLIENT_ID": zendesk.client_id,
        "ZENDESK_OAUTH_CLIENT_SECRET": zendesk.client_secret,
    }
    done = subprocess.run(
        python("tests.support.one_sync", "1"),
        cwd=ROOT,
        env={**os.environ, **account},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < CEILING_MB
    sizes = [int(one.query["per_page"]) for one in zendesk.log.of("tickets_cursor")]
    assert sizes[0] == 1000 > min(sizes), "a page of 64 MB is asked for in smaller ones"
    assert differences(session, zendesk) == {}
