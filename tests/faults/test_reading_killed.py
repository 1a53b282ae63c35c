"""A worker that reads with Claude is killed at every kind of moment: nothing is lost, and nothing is paid twice.

What a kill may cost is what no protocol can know: live calls whose answers were not stored yet. CI takes each call of
the batch protocol and a seeded sample of commits; `make soak` takes every commit, before and after.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import pytest
from sqlalchemy import text

from actors.enqueue import start_run
from miner import db, settings
from tests.factories import TESTER, make_ticket
from tests.standins.claude.fixture import claude as claude
from tests.standins.claude.http import Request
from tests.standins.claude.standin import StandIn, tickets_of
from tests.support.processes import Process, eventually, python, scalar, state_of, worker

pytestmark = pytest.mark.faults

TICKETS = 9
# Of the runs' threads on an undisturbed run; the exhaustive form asserts that it is not too small.
COMMITS = 45
SAMPLE = [f"{random.Random(number).choice(['before', 'after'])}:commit:{number}"
          for number in sorted(random.Random(11).sample(range(5, COMMITS + 1), 3))]  # fmt: skip
EVERY = [f"{when}:commit:{number}" for number in range(1, COMMITS + 1) for when in ("before", "after")]
CALLS = ["before:create", "after:create", "after:retrieve", "after:results"]
OTHER_CALLS = ["before:retrieve", "before:results", "before:delete", "after:delete"]


def prepare(count: int, **values: Any) -> int:
    """Tickets that wait, and a queued run that is to read them."""
    with db.transaction() as session:
        settings.save(session, settings.parse(values), by=TESTER)
        for number in range(count):
            make_ticket(session, text=f"Export {number}\n\nThe export of sheet {number} crashes.")
    return start_run("analyze", {}, by=TESTER, trigger="code").run_id


def victim(log: Path, *, kill_at: str | None = None) -> Process:
    module, environ = ("tests.support.killer", {"KILL_AT": kill_at}) if kill_at else ("tests.support.jobs", {})
    command = python("dramatiq", "actors", module, "--processes", "1", "--threads", "2")
    return Process(command, log, LEASE_SECONDS="2", **environ)


def hurry() -> None:
    """What waits for a batch may look at once; what is at work is left alone, so that its commits can be counted."""
    with db.transaction() as session:
        due = session.execute(
            text("""
                UPDATE job_runs SET run_after = clock_timestamp(), rung_at = NULL
                WHERE state = 'waiting' AND wait_reason = 'batch' AND run_after > clock_timestamp() RETURNING id""")
        ).all()
        if due:
            session.execute(text("UPDATE model_batches SET next_look_at = now() WHERE next_look_at IS NOT NULL"))


def is_over(run_id: int) -> bool:
    hurry()
    return state_of(run_id) == "completed"


def billed(claude: StandIn, tier: str) -> Counter[str]:
    """How often each ticket was read for money, in batches or live ("standard")."""
    return Counter(
        ticket["subject"]
        for body, usage in claude.billed
        if usage["service_tier"] == tier
        for ticket in tickets_of(body)
    )


def check_everything_is_read_once(claude: StandIn, run_id: int, count: int) -> None:
    assert scalar("SELECT count(*) FROM issues WHERE retired_at IS NULL") == count
    assert scalar("SELECT count(*) FROM analyses WHERE outcome = 'issues'") == count
    assert scalar("SELECT (counters ->> 'tickets')::int FROM job_runs WHERE id = :id", id=run_id) == count
    assert scalar("SELECT count(*) FROM model_batch_requests") == 0
    assert scalar("SELECT count(*) FROM model_batches WHERE state NOT IN ('ingested', 'given_up')") == 0
    booked = scalar("SELECT coalesce(sum(tickets), 0) FROM model_calls WHERE batch_id IS NOT NULL")
    in_batches = billed(claude, "batch")
    assert set(in_batches.values()) <= {1}, "no ticket is paid twice"
    assert booked == in_batches.total(), "and every one that is paid is booked"


@pytest.mark.parametrize("at", [9, *(pytest.param(at, marks=pytest.mark.soak) for at in (1, 2, 15, 23))])
def test_a_killed_worker_makes_again_at_most_the_calls_whose_answers_were_not_stored(
    database: str, claude: StandIn, tmp_path: Path, at: int
) -> None:
    count, at_once = 24, 4
    run_id = prepare(count, calls_at_once=at_once, tickets_per_call=1)
    claude.latency = 0.05
    process, arrived, seen = victim(tmp_path / "victim.log"), threading.Event(), []

    def kill(request: Request) -> None:
        seen.append(request)
        if len(seen) == at:
            process.kill()
            arrived.set()

    claude.before = kill
    assert arrived.wait(60), process.output()
    claude.before = lambda request: None
    eventually(lambda: claude.in_flight == 0)
    stored = scalar("SELECT count(*) FROM model_calls")
    lost = len(claude.billed) - stored
    with worker(tmp_path / "heir.log") as heir:
        eventually(lambda: state_of(run_id) == "completed", why=heir.output)
    assert scalar("SELECT count(*) FROM issues WHERE retired_at IS NULL") == count
    assert len(claude.billed) - count == lost <= 2 * at_once
    assert scalar("SELECT count(*) FROM model_calls") == count


def kill_at_call(claude: StandIn, run_id: int, moment: str, tmp_path: Path) -> None:
    """Kill the worker before the stand-in works that call of the batch protocol, or before it sends the answer."""
    when, what = moment.split(":")
    process, killed = victim(tmp_path / "victim.log"), threading.Event()

    def kill(request: Request) -> None:
        its_call = request.path.startswith("/v1/messages/batches") and claude.batches.name(request) == what
        if its_call and not killed.is_set():
            process.kill()
            killed.set()

    setattr(claude, when, kill)
    try:
        eventually(lambda: killed.is_set() or is_over(run_id), why=process.output)
    finally:
        process.kill()
    assert killed.is_set(), process.output()


@pytest.mark.parametrize("moment", [*CALLS, *(pytest.param(one, marks=pytest.mark.soak) for one in OTHER_CALLS)])
def test_a_kill_at_any_call_of_a_batch_loses_nothing_and_pays_nothing_twice(
    database: str, claude: StandIn, tmp_path: Path, moment: str
) -> None:
    run_id = prepare(TICKETS, reading="batch", tickets_per_call=2, tickets_per_batch_call=2)
    kill_at_call(claude, run_id, moment, tmp_path)
    with worker(tmp_path / "heir.log") as heir:
        eventually(lambda: is_over(run_id), why=heir.output)
    check_everything_is_read_once(claude, run_id, TICKETS)
    assert billed(claude, "standard").total() == 2, "the call before the batch"
    assert scalar("SELECT count(*) FROM model_batches WHERE state = 'ingested'") == 1


def kill_at_commit(claude: StandIn, moment: str, tmp_path: Path) -> bool:
    """Whether the moment came."""
    run_id = prepare(TICKETS, reading="batch", tickets_per_call=2, tickets_per_batch_call=2)
    process = victim(tmp_path / "victim.log", kill_at=moment)
    try:
        eventually(lambda: process.popen.poll() is not None or is_over(run_id), why=process.output)
        with suppress(TimeoutExpired):  # after the last commit the run is over while the process still dies
            process.popen.wait(2)
        killed = process.popen.poll() is not None
    finally:
        process.kill()
    with worker(tmp_path / "heir.log") as heir:
        eventually(lambda: is_over(run_id), why=heir.output)
    check_everything_is_read_once(claude, run_id, TICKETS)
    assert billed(claude, "standard").total() in (2, 4), "the live call before the batch may have to be made again"
    return killed


@pytest.mark.parametrize("moment", SAMPLE)
def test_a_kill_at_a_commit_of_a_batch_loses_nothing_and_pays_nothing_twice(
    database: str, claude: StandIn, tmp_path: Path, moment: str
) -> None:
    assert kill_at_commit(claude, moment, tmp_path), f"the moment {moment} never came: lower COMMITS"


@pytest.mark.soak
@pytest.mark.parametrize("moment", EVERY)
def test_a_kill_at_every_commit_of_a_batch(database: str, claude: StandIn, tmp_path: Path, moment: str) -> None:
    assert kill_at_commit(claude, moment, tmp_path), f"the moment {moment} never came: lower COMMITS"


@pytest.mark.soak
def test_no_commit_of_a_batch_is_left_out_of_the_exhaustive_form(
    database: str, claude: StandIn, tmp_path: Path
) -> None:
    assert not kill_at_commit(claude, f"after:commit:{COMMITS + 1}", tmp_path), "raise COMMITS"
