"""Proofs 6 and 7 with real processes: workers are killed and frozen in the middle of a sync, and the mirror is whole.

The stand-in answers over HTTP; the workers are those of the Procfile. Every unit's commit, before and after, is
test_sync_faults.py's, in one process.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from actors.enqueue import start_run
from tests.factories import TESTER
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import differences
from tests.support.processes import LEASE, Process, eventually, python, scalar, state_of

pytestmark = pytest.mark.faults

# An undisturbed run of this size commits about 57 times; how often depends a little on who waits for whom.
COMMITS = range(1, 49)
CI = sorted(random.Random(6).sample(COMMITS, 3))
SOAK = [number for number in COMMITS if number not in CI]


@pytest.fixture
def roomy(zendesk: StandIn) -> StandIn:
    """A stand-in whose pages are small, so that a sync has many moments, and whose account allows any number."""
    zendesk.switches.page_cap, zendesk.switches.comment_page_cap = 6, 2
    zendesk.limits.budgets["account"].allowed = 1_000_000
    return zendesk


@contextmanager
def syncer(zendesk: StandIn, log: Path, **environ: str) -> Iterator[Process]:
    """A worker that can reach the stand-in; killed at the end if it still runs."""
    process = Process(
        python("dramatiq", "actors", "tests.support.hurried", "--processes", "1", "--threads", "2"),
        log,
        LEASE_SECONDS=str(LEASE),
        ZENDESK_SUBDOMAIN="acme",
        ZENDESK_BASE_URL=zendesk.base_url,
        ZENDESK_OAUTH_CLIENT_ID=zendesk.client_id,
        ZENDESK_OAUTH_CLIENT_SECRET=zendesk.client_secret,
        **environ,
    )
    try:
        yield process
    finally:
        process.kill()


def begin() -> int:
    return start_run("sync", {"backfill_days": 100}, by=TESTER, trigger="code").run_id


def finish(zendesk: StandIn, run_id: int, tmp_path: Path) -> None:
    """Who was to fetch a token for all keeps that claim for 45 s, in which nobody else asks for one."""
    with syncer(zendesk, tmp_path / "heir.log") as heir:
        eventually(lambda: state_of(run_id) == "completed", within=90, why=heir.output)


@pytest.mark.parametrize("number", [*CI, *(pytest.param(number, marks=pytest.mark.soak) for number in SOAK)])
def test_a_worker_killed_at_any_commit_of_a_sync_leaves_a_mirror_that_the_next_worker_completes(
    roomy: StandIn, session: Session, tmp_path: Path, number: int
) -> None:
    when = random.Random(number).choice(["before", "after"])
    run_id = begin()
    with syncer(roomy, tmp_path / "victim.log", KILL_AT=f"{when}:commit:{number}") as victim:
        eventually(lambda: victim.popen.poll() is not None, why=victim.output)
    assert state_of(run_id) == "running", "a worker that ends in peace gives its run back"
    finish(roomy, run_id, tmp_path)
    assert differences(session, roomy) == {}


@pytest.mark.parametrize("route", [pytest.param("token", marks=pytest.mark.soak), "tickets_cursor", "comments"])
def test_a_worker_killed_while_zendesk_answers_leaves_a_mirror_that_the_next_worker_completes(
    roomy: StandIn, session: Session, tmp_path: Path, route: str
) -> None:
    roomy.faults.add("stall", route, skip=0 if route == "token" else 3, seconds=3)
    run_id = begin()
    with syncer(roomy, tmp_path / "victim.log") as victim:
        eventually(lambda: roomy.faults.fired["stall"], why=victim.output)
        victim.kill()
    finish(roomy, run_id, tmp_path)
    assert differences(session, roomy) == {}


def test_a_frozen_worker_that_wakes_beside_its_heir_spoils_nothing(
    roomy: StandIn, session: Session, tmp_path: Path
) -> None:
    roomy.faults.add("stall", "tickets_cursor", every=2, times=12, seconds=0.3)
    run_id = begin()
    with syncer(roomy, tmp_path / "first.log") as first:
        eventually(lambda: roomy.faults.fired["stall"] >= 2, why=first.output)
        first.signal(signal.SIGSTOP)
        with syncer(roomy, tmp_path / "second.log") as second:
            eventually(lambda: attempts(run_id) == 2, why=second.output)
            first.signal(signal.SIGCONT)
            eventually(lambda: state_of(run_id) == "completed", why=second.output)
            eventually(lambda: "held by another worker" in first.output(), why=first.output)
    assert attempts(run_id) == 2
    assert differences(session, roomy) == {}


def attempts(run_id: int) -> int:
    return int(scalar("SELECT count(*) FROM job_run_attempts WHERE run_id = :id", id=run_id))
