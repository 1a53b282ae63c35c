"""Cost and throughput of reading with Claude, against the stand-in: `pytest -s -m benchmark` with this file.

Tokens are the stand-in's count and prices are the price table's, so the numbers speak of cost and speed, never of
quality. The texts are the sample's. The stand-in of the throughput runs is a process of its own.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from miner import db, settings
from miner.errors import BatchUnderWay
from miner.issues import analyze
from miner.issues.answer import TicketText
from miner.issues.claude import Claude
from miner.issues.prices import Tokens, cost
from miner.issues.prompt import system_text, tickets_document
from miner.issues.taxonomy_settings import taxonomy_of
from miner.issues.wire import answer_schema
from miner.runs.context import StepContext
from miner.tickets.sample import sample_path
from tests.factories import TESTER, make_ticket
from tests.standins.claude.accounting import count_tokens
from tests.standins.claude.fixture import claude as claude
from tests.standins.claude.models import MODELS
from tests.standins.claude.standin import StandIn
from tests.support.emptying import empty
from tests.support.processes import ROOT

pytestmark = pytest.mark.benchmark
MODEL, REPLACED = "claude-haiku-5-5", "claude-haiku-4-5"
TICKETS = 500
WAYS = {
    "live, cached": {"reading": "live"},
    "live, not cached": {"reading": "live"},
    "batch, not cached": {"reading": "batch"},
    "batch, cached (60 % hits)": {"reading": "batch", "cache_in_batches": True},
}


def prepare(count: int, **values: object) -> None:
    """`count` tickets that wait, under these settings."""
    reports = [json.loads(line) for line in gzip.decompress(sample_path().read_bytes()).splitlines()]
    with db.transaction() as session:
        empty(session, "tickets")
        session.execute(text("DELETE FROM model_calls"))
        session.execute(text("DELETE FROM job_run_keys"))
        settings.save(session, settings.parse({"backlog": "read", **values}), by=TESTER)
        for number in range(count):
            report = reports[number % len(reports)]
            make_ticket(session, text=f"{report['subject']}\n\n{report['description']} {number}")


def read(context: StepContext) -> None:
    """Read all that waits, batches included, without waiting for their time."""
    for _ in range(20):
        with db.transaction() as session:
            session.execute(text("UPDATE model_batches SET next_look_at = now() WHERE next_look_at IS NOT NULL"))
        with suppress(BatchUnderWay):
            analyze.run(context)
            return
    raise AssertionError("the batches did not end")


@pytest.mark.parametrize("per_call", [1, 4, 8])
def test_dollars_for_a_thousand_tickets(
    step: Callable[..., StepContext], claude: StandIn, monkeypatch: pytest.MonkeyPatch, per_call: int
) -> None:
    prefix = count_tokens(system_text(taxonomy_of(settings.Settings())), MODELS[MODEL])
    thousand = 1_000 / TICKETS
    print(f"\n{per_call} tickets a call, dollars for 1,000 tickets:")
    for way, values in WAYS.items():
        kept = 10**9 if way == "live, not cached" else 512
        monkeypatch.setitem(MODELS, MODEL, dataclasses.replace(MODELS[MODEL], least_cached=kept))
        prepare(TICKETS, tickets_per_call=per_call, tickets_per_batch_call=per_call, **values)
        context, began, started = step("analyze", {"batch_size": TICKETS}), len(claude.billed), time.perf_counter()
        read(context)
        seconds = time.perf_counter() - started
        rows = [
            Tokens(sent=u["input_tokens"], written=u["cache_creation_input_tokens"], read=u["cache_read_input_tokens"],
                   received=u["output_tokens"])
            for _, u in claude.billed[began:]
        ]  # fmt: skip
        with db.transaction() as session:
            dollars = float(session.scalar(text("SELECT sum(cost_usd) FROM model_calls")) or 0)
        least = sum(cost(MODEL, Tokens(sent=r.prompt - prefix, received=r.received), batch=True) or 0 for r in rows)
        floor = float(least)
        print(f"  {way:26} {dollars * thousand:.4f} = {dollars / floor:.2f} of the floor of {floor * thousand:.4f}"
              f"   ({len(rows)} calls, {seconds:.0f} s)")  # fmt: skip
    if per_call == 1:
        old = sum(cost(REPLACED, Tokens(sent=int(r.prompt / 1.3), received=int(r.received / 1.3))) or 0 for r in rows)
        print(f"  the replaced way           {float(old) * thousand:.4f}   (one uncached live call a ticket on "
              f"{REPLACED}, its tokenizer)")  # fmt: skip


SERVE = """
import sys
from tests.standins.claude.standin import StandIn
with StandIn(latency=0.2) as standin:
    standin.limits.requests = standin.limits.tokens = 10**9
    print(standin.base_url, standin.key, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stand-in that takes 200 ms for every answer, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    base_url, key = process.stdout.readline().split()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", base_url)
    yield
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def bare_seconds(at_once: int, each: int) -> float:
    """How long threads take that do nothing but send such calls and wait: what machine and stand-in allow."""
    taxonomy = taxonomy_of(settings.Settings())
    claude = Claude(api_key="-", model=MODEL)
    schema = answer_schema(taxonomy.areas)
    ticket = TicketText(1, "Export\n\nThe export to CSV crashes every time I press the button." * 8)
    params = claude.params(system_text(taxonomy), tickets_document([ticket]), schema=schema, max_tokens=1_000)
    body, address = json.dumps(params).encode(), urlsplit(os.environ["ANTHROPIC_BASE_URL"])
    headers = {
        "authorization": f"Bearer {os.environ['ANTHROPIC_API_KEY']}",
        "anthropic-version": "2026-10-21",
        "content-type": "application/json",
    }

    def ask(_: int) -> None:
        connection = HTTPConnection(str(address.hostname), address.port or 80)
        for _ in range(each):
            connection.request("POST", "/v1/messages", body, headers)
            connection.getresponse().read()
        connection.close()

    with ThreadPoolExecutor(at_once) as pool:
        began = time.perf_counter()
        list(pool.map(ask, range(at_once)))
        return time.perf_counter() - began


@pytest.mark.parametrize("at_once", [1, 4, 16, 64])
def test_throughput_at_200_ms(step: Callable[..., StepContext], elsewhere: None, at_once: int) -> None:
    each = 60  # so that starting 64 threads weighs little, as in a long run
    count = each * at_once
    prepare(1, reading="live")
    read(step("analyze"))  # the package is loaded once in the life of a worker
    bare = 0.2 * each / bare_seconds(at_once, each)
    prepare(count, tickets_per_call=1, calls_at_once=at_once, reading="live")
    context = step("analyze", {"batch_size": 10_000})
    used, began = time.process_time(), time.perf_counter()
    read(context)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    ideal = 0.2 + 0.2 * math.ceil((count - 1) / at_once)  # one call warms the prompt cache alone
    print(
        f"\n{at_once} at once: {count} calls in {seconds:.2f} s, {count / seconds:.1f}/s, {ideal / seconds:.0%} of "
        f"ideal (bare threads: {bare:.0%}); {used / count * 1000:.1f} ms of our own CPU a call"
    )
