"""How the Zendesk sync does: `python -m tests.benchmarks.bench_sync [old|limits|speed] [--tickets N]`.

old     requests and time for 1,000 tickets, beside the calls the replaced system made, limits on
limits  share of the allowed rate while a big backfill runs, and how many refusals it provoked
speed   limits off: tickets a second with comments, and peak memory

The stand-in runs in a process of its own. Time under limits is the stand-in's, which runs several times faster than
the wall clock (`--pace`); latencies count as much more, so these are lower bounds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from miner import db, logs
from miner.config import Config
from miner.tickets import pace
from miner.tickets.pace import Clock
from tests.benchmarks.harness import database, headline
from tests.standins.zendesk.process import Process
from tests.standins.zendesk.standin import StandIn
from tests.support.memory import peak_mb
from tests.support.mirror import Run

PACE = 10.0  # seconds of the stand-in in a second


def config_of(zendesk: Process) -> Config:
    return replace(
        Config.from_environment(),
        zendesk_subdomain="acme",
        zendesk_base_url=zendesk.base_url,
        zendesk_oauth_client_id=StandIn.client_id,
        zendesk_oauth_client_secret=StandIn.client_secret,
    )


def paced_clock(*, ahead: float = 0.0) -> Clock:
    """The stand-in's pace: a second of ours is ten of its; `ahead` of now by the seconds it was moved on."""
    start, begun = time.time() + ahead, time.monotonic()

    def now() -> float:
        return start + (time.monotonic() - begun) * PACE

    return Clock(now=now, sleep=lambda seconds: time.sleep(seconds / PACE))


class FreeClock:
    """Waiting costs nothing: for measuring what the machine can do."""

    def __init__(self) -> None:
        self.offset = 0.0

    def clock(self) -> Clock:
        return Clock(now=lambda: time.time() + self.offset, sleep=self.skip)

    def skip(self, seconds: float) -> None:
        self.offset += seconds


def sync(zendesk: Process, clock: Clock, **args: Any) -> Any:
    from miner.tickets.sync import sync_account

    run = Run(config_of(zendesk), **args)
    sync_account(run.context, clock=clock)
    from miner.runs import lifecycle

    run.end_with(lifecycle.complete)
    with db.transaction() as session:
        return session.execute(text("SELECT counters FROM job_runs WHERE id = :id"), {"id": run.id}).scalar_one()


def requests_of(zendesk: Process) -> int:
    return int(sum(zendesk.ctl("state")["limits"]["taken"].get(name, 0) for name in ("account",)))


# --- (a) ---


def the_replaced_system(base_url: str) -> tuple[int, int]:
    """Search, then for each ticket the ticket, its comments, its user and its organization; (calls, tickets).

    It stops where the search does, and waits as a 429 says.
    """
    calls = tickets = 0
    client = httpx.Client(base_url=f"{base_url}/api/v2", headers={"Authorization": f"Bearer {StandIn.bearer}"})

    def get(path: str, **params: Any) -> Any:
        nonlocal calls
        while True:
            calls += 1
            answer = client.get(path, params=params)
            if answer.status_code != 429:
                return answer.json() if answer.status_code == 200 else None
            time.sleep(float(answer.headers.get("retry-after", "1")) / PACE)

    page = 1
    while page <= 10:
        found = get("/search.json", query="type:ticket created>2000-01-01", page=page, per_page=100)
        for row in (found or {}).get("results", []):
            ticket = (get(f"/tickets/{row['id']}.json") or {}).get("ticket", {})
            get(f"/tickets/{row['id']}/comments.json")
            if ticket.get("requester_id"):
                get(f"/users/{ticket['requester_id']}.json")
            if ticket.get("organization_id"):
                get(f"/organizations/{ticket['organization_id']}.json")
            tickets += 1
        if not found or not found.get("next_page"):
            break
        page += 1
    client.close()
    return calls, tickets


def bench_old(count: int) -> None:
    headline(f"(a) {count:,} tickets with comments, 700 calls and 10 exports a minute")
    for name, work in (("replaced system", _old), ("this sync", _new)):
        with database(), Process(tickets=count, account=700, export=10, speed=PACE) as zendesk:
            begun = time.monotonic()
            tickets = work(zendesk)
            seconds = (time.monotonic() - begun) * PACE
            limits = zendesk.ctl("state")["limits"]
            print(
                f"{name:16} {limits['taken'].get('account', 0):6,} calls {seconds:7.0f} s "
                f"{tickets:6,} tickets, refused {sum(limits['provoked'].values())}"
            )


def _old(zendesk: Process) -> int:
    return the_replaced_system(zendesk.base_url)[1]


def _new(zendesk: Process) -> int:
    sync(zendesk, paced_clock(), backfill_days=100)
    with db.transaction() as session:
        return int(session.scalar(text("SELECT count(*) FROM tickets WHERE deleted_at IS NULL")) or 0)


# --- (b) ---


def bench_limits(count: int) -> None:
    headline(f"(b) share of the allowed rate, {count:,} tickets, 700 calls and 10 exports a minute")
    with database(), Process(tickets=count, account=700, export=10, speed=PACE) as zendesk:
        zendesk.ctl("switches", {"page_cap": max(1, count // 100)})
        samples: list[tuple[float, int, int]] = []
        stop = threading.Event()

        def watch() -> None:
            begun = time.monotonic()
            while not stop.wait(0.2):
                taken = zendesk.ctl("state")["limits"]["taken"]
                samples.append(((time.monotonic() - begun) * PACE, taken.get("export", 0), taken.get("account", 0)))

        thread = threading.Thread(target=watch)
        thread.start()
        sync(zendesk, paced_clock(), backfill_days=100)
        stop.set()
        thread.join()
        provoked = zendesk.ctl("state")["limits"]["provoked"]
    for name, place, allowed in (("export", 1, 10.0), ("account", 2, 700 * 0.8)):
        busy = [one for one in samples if one[0] > 30 and one[place] < samples[-1][place] * 0.95]
        rate = (busy[-1][place] - busy[0][place]) / (busy[-1][0] - busy[0][0]) * 60
        print(f"{name:8} {rate:6.1f} of {allowed:5.0f} a minute = {rate / allowed:.1%} over {busy[-1][0]:.0f} s")
    print(f"refusals provoked: {provoked or 0}")


# --- (c) ---


def bench_speed(count: int) -> None:
    headline(f"(c) limits off, {count:,} tickets")
    pace.EXPORT_HIGH_VOLUME = 1_000_000
    with database(), Process(tickets=count, account=1_000_000_000, export=1_000_000) as zendesk:
        begun = time.monotonic()
        counters = sync(zendesk, FreeClock().clock(), backfill_days=100)
        seconds = time.monotonic() - begun
        with db.transaction() as session:
            comments = session.scalar(text("SELECT count(*) FROM ticket_comments"))
            waiting = session.scalar(text("SELECT count(*) FROM due_conversations"))
        peak = peak_mb()
        print(
            f"{counters['tickets']:,} tickets, {comments:,} comments in {seconds:.1f} s = "
            f"{counters['tickets'] / seconds:,.0f} tickets/s; peak memory {peak:,.0f} MB; waiting {waiting}; "
            f"{requests_of(zendesk):,} requests; bulk pages {counters.get('event_pages', 0)}"
        )


def main() -> None:
    global PACE
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", nargs="?", choices=["old", "limits", "speed"])
    options.add_argument("--tickets", type=int)
    options.add_argument("--pace", type=float, default=PACE, help="smaller on a busy machine: latencies weigh less")
    given = options.parse_args()
    PACE = given.pace
    logs.setup("ERROR")
    benches: dict[str, tuple[Callable[[int], None], int]] = {
        "old": (bench_old, 1_000),
        "limits": (bench_limits, 10_000),
        "speed": (bench_speed, 10_000),
    }
    for name, (bench, count) in benches.items():
        if given.what in (None, name):
            bench(given.tickets or count)


@pytest.mark.benchmark
@pytest.mark.parametrize("what", ["old", "limits", "speed"])
def test_sync(what: str) -> None:
    """In a process of its own: its peak memory is measured."""
    subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_sync", what], check=True)


if __name__ == "__main__":
    main()
