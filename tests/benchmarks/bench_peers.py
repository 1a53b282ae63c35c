"""This sync beside peers from the registry, same account: `python -m tests.benchmarks.bench_peers [--tickets N]`.

The peers are no dependency of ours. BENCH_PEER_PYTHON names an interpreter that has them; a peer that is missing is
said to be, and its rows are left out:

    python3.11 -m venv /tmp/peers && /tmp/peers/bin/pip install tap-zendesk==2.8.2   # brings zenpy with it
    BENCH_PEER_PYTHON=/tmp/peers/bin/python python -m tests.benchmarks.bench_peers

Each contender reads a fresh account of its own with the same seed. What a peer should hold is the stand-in's truth.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from miner import db, logs
from miner.tickets import pace
from tests.benchmarks.bench_sync import PACE, FreeClock, paced_clock, sync
from tests.benchmarks.harness import database, headline
from tests.benchmarks.peers import PEERS
from tests.standins.zendesk.process import Process
from tests.standins.zendesk.standin import StandIn

SCRIPT = Path(__file__).parent / "peers.py"
PIP = "python3.11 -m venv /tmp/peers && /tmp/peers/bin/pip install tap-zendesk==2.8.2"
HAS = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
UNLIMITED = 10_000.0  # what the peers' own pauses are divided by where nothing limits them


def find_peers() -> list[str]:
    """The peers there are; says how to get those that are not."""
    python = os.environ.get("BENCH_PEER_PYTHON")
    there = [
        name
        for name in PEERS
        if python and subprocess.run([python, "-c", HAS, name], capture_output=True, check=False).returncode == 0
    ]
    for name in PEERS:
        if name not in there:
            print(f"{name}: LEFT OUT, it is not installed: {PIP}; BENCH_PEER_PYTHON=/tmp/peers/bin/python")
    return there


def fill(zendesk: Process, count: int) -> None:
    """What every account of that size has: bots' tickets, calls, chats, a long thread, a ticket in the bin."""
    operations: list[dict[str, Any]] = []
    operations += [{"op": "create", "ai_agent": True, "comments": 3} for _ in range(count // 50)]
    operations += [{"op": "comment", "pick": pick * 7, "kind": "VoiceComment"} for pick in range(count // 50)]
    operations += [{"op": "create", "comments": 250}]
    chats = zendesk.ctl("ops", [{"op": "create", "channel": "native_messaging"} for _ in range(count // 50)])["done"]
    operations += [{"op": "message", "ticket": one["ticket"], "text": "The export is broken."} for one in chats]
    operations += [{"op": "soft_delete", "pick": pick * 13} for pick in range(count // 100)]
    zendesk.ctl("ops", operations)
    zendesk.ctl("clock", {"advance": 90})


def truth_of(zendesk: Process) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    after = 0
    while True:
        page = zendesk.ctl(f"truth?after={after}")
        found |= page["tickets"]
        if not page["more"]:
            return found
        after = max(map(int, found))


def read_ours(zendesk: Process, *, limited: bool) -> tuple[set[str], set[int], int, str | None]:
    clock = paced_clock(ahead=90) if limited else FreeClock().clock()
    sync(zendesk, clock, backfill_days=100)
    with db.transaction() as session:
        tickets = set(session.scalars(text("SELECT source_id FROM tickets WHERE deleted_at IS NULL")))
        # A lone description is stored with its ticket and has no id of a comment.
        comments = session.execute(
            text("""
                SELECT ticket_comments.source_id, tickets.source_id AS ticket FROM ticket_comments
                JOIN tickets ON tickets.id = ticket_id""")
        ).all()
    alone = {row.ticket for row in comments if row.source_id is None}
    ids = {int(row.source_id) for row in comments if row.source_id and row.source_id.isdecimal()}
    messages = sum(str(row.source_id).startswith("message:") for row in comments)
    known = truth_of(zendesk)
    ids |= {known[number]["comments"][0]["id"] for number in alone if known[number]["comments"]}
    return tickets, ids, messages, None


def read_theirs(name: str, zendesk: Process, *, limited: bool) -> tuple[set[str], set[int], int, str | None]:
    command = [os.environ["BENCH_PEER_PYTHON"], str(SCRIPT), name, zendesk.base_url, StandIn.bearer]
    command.append(str(PACE if limited else UNLIMITED))
    done = subprocess.run(command, capture_output=True, text=True, timeout=1_800, check=True)
    found = json.loads(done.stdout)
    live = {number for number, status in found["tickets"].items() if status != "deleted"}
    return live, set(found["comments"]), 0, found["error"]


def bench(count: int, *, limited: bool) -> None:
    limits = "700 calls and 10 exports a minute" if limited else "limits off"
    headline(f"(d) {count:,} tickets beside peers, {limits}")
    print(f"{'':12} requests seconds refused  missing: tickets comments messages")
    options: dict[str, Any] = {"account": 700, "export": 10} if limited else {"account": 10**9, "export": 10**6}
    for name in ["this sync", *find_peers()]:
        with database(), Process(tickets=count, speed=PACE if limited else 1.0, **options) as zendesk:
            fill(zendesk, count)
            zendesk.ctl("reset", {})
            begun = time.monotonic()
            if name == "this sync":
                tickets, comments, messages, error = read_ours(zendesk, limited=limited)
            else:
                tickets, comments, messages, error = read_theirs(name, zendesk, limited=limited)
            seconds = (time.monotonic() - begun) * (PACE if limited else 1)
            state = zendesk.ctl("state")
            known = {number: one for number, one in truth_of(zendesk).items() if not one["deleted"]}
            wanted = {row["id"] for one in known.values() for row in one["comments"]}
            spoken = sum(len(one["messages"]) for one in known.values())
            print(
                f"{name:12} {state['requests']:8,} {seconds:7.1f} {sum(state['limits']['provoked'].values()):7,}  "
                f"missing: {len(known.keys() - tickets):7,} {len(wanted - comments):8,} {spoken - messages:8,}"
                + (f"  stopped by {error}" if error else "")
            )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tickets", type=int, default=1_000)
    given = options.parse_args()
    logs.setup("ERROR")
    pace.EXPORT_HIGH_VOLUME = 1_000_000  # reached only where the account allows a million calls
    for limited in (True, False):
        bench(given.tickets, limited=limited)


@pytest.mark.benchmark
def test_peers() -> None:
    subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_peers"], check=True)


if __name__ == "__main__":
    main()
