"""Cost and throughput of reading with Claude, against the stand-in: `pytest tests/benchmarks/bench_claude.py -s`.

Tokens are the stand-in's count and prices are the price table's, so the numbers speak of cost and speed, never of
quality. The texts are the sample's.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from miner import db, settings
from miner.issues import analyze
from miner.issues.prices import Tokens, cost
from miner.runs.context import StepContext
from miner.tickets.sample import sample_path
from tests.factories import TESTER, make_ticket
from tests.standins.claude.fixture import claude as claude
from tests.standins.claude.standin import StandIn

pytestmark = pytest.mark.benchmark
MODEL, REPLACED = "claude-haiku-5-5", "claude-haiku-4-5"


def prepare(count: int, **values: object) -> None:
    """`count` tickets that wait, under these settings."""
    reports = [json.loads(line) for line in gzip.decompress(sample_path().read_bytes()).splitlines()]
    with db.transaction() as session:
        session.execute(text("TRUNCATE tickets CASCADE"))
        session.execute(text("DELETE FROM model_calls"))
        session.execute(text("DELETE FROM job_run_keys"))
        settings.save(session, settings.parse({"backlog": "read", **values}), by=TESTER)
        for number in range(count):
            report = reports[number % len(reports)]
            make_ticket(session, text=f"{report['subject']}\n\n{report['description']} {number}")


def test_dollars_for_a_thousand_tickets(step: Callable[..., StepContext], claude: StandIn) -> None:
    print()
    for per_call in (1, 4, 8):
        prepare(1_000, tickets_per_call=per_call)
        began = len(claude.calls)
        analyze.run(step("analyze", {"batch_size": 1_000}))
        calls = [call.usage for call in claude.calls[began:] if call.usage]
        rows = [
            Tokens(sent=u["input_tokens"], written=u["cache_creation_input_tokens"], read=u["cache_read_input_tokens"],
                   received=u["output_tokens"])
            for u in calls
        ]  # fmt: skip
        with db.transaction() as session:
            stored = session.execute(
                text("SELECT sum(cost_usd), sum(input_tokens), sum(output_tokens) FROM model_calls")
            )
            dollars, sent, received = stored.one()
        plain = sum(cost(MODEL, Tokens(sent=row.prompt, received=row.received)) or 0 for row in rows)
        half = sum(cost(MODEL, Tokens(sent=row.prompt, received=row.received), batch=True) or 0 for row in rows)
        prefix = max(row.read for row in rows)
        floor = sum(
            cost(MODEL, Tokens(sent=row.prompt - prefix, received=row.received), batch=True) or 0 for row in rows
        )
        print(
            f"k={per_call}: {len(calls)} calls, {sent:,} in, {received:,} out; live cached ${dollars:.4f}, "
            f"live uncached ${plain:.4f}, batch uncached ${half:.4f} (computed), floor ${floor:.4f}"
        )
        if per_call == 1:
            old = sum(
                cost(REPLACED, Tokens(sent=int(r.prompt / 1.3), received=int(r.received / 1.3))) or 0 for r in rows
            )
            print(f"     one uncached live call a ticket on {REPLACED}, old tokenizer: ${old:.4f}")


@pytest.mark.parametrize("at_once", [1, 4, 16, 64])
def test_throughput_at_200_ms(step: Callable[..., StepContext], claude: StandIn, at_once: int) -> None:
    count = max(30, 20 * at_once)
    prepare(count, tickets_per_call=1, calls_at_once=at_once)
    context = step("analyze", {"batch_size": 10_000})
    claude.latency = 0.2
    began = time.perf_counter()
    analyze.run(context)
    seconds = time.perf_counter() - began
    ideal = 0.2 * (1 + (count - 1) / at_once)
    print(
        f"\n{at_once} at once: {count} calls in {seconds:.2f} s, {count / seconds:.1f}/s, "
        f"{ideal / seconds:.0%} of ideal"
    )
