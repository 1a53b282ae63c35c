"""What a unit of reading with Claude comes to: for the run's counters, and as a line of its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from miner.issues.calls import call_cost
from miner.issues.record import Answer, count_spared
from miner.issues.reply import Reply
from miner.logs import get_logger

log = get_logger(__name__)


def counters_of(stored: Sequence[Answer], calls: Sequence[tuple[Reply, int]]) -> Mapping[str, int | Decimal]:
    """What is added to a run's counters."""
    counters: dict[str, int | Decimal] = {
        "tickets": len(stored),
        "issues": sum(len(answer.found) for answer in stored),
        **count_spared(stored),
    }
    return {**counters, **count_calls(calls)}


def count_calls(calls: Sequence[tuple[Reply, int]]) -> dict[str, int | Decimal]:
    """What `calls` add to a run's counters; a cost that is unknown is no cost of 0."""
    counters: dict[str, int | Decimal] = {}
    used = [reply.tokens for reply, _ in calls if reply.tokens]
    if used:
        counters["input_tokens"] = sum(tokens.prompt for tokens in used)
        counters["output_tokens"] = sum(tokens.received for tokens in used)
    costs = [dollars for reply, _ in calls if reply.tokens and (dollars := call_cost(reply)) is not None]
    if costs:
        counters["cost_usd"] = sum(costs, Decimal(0))
    return counters


def report(stored: Sequence[Answer], calls: Sequence[tuple[Reply, int]]) -> None:
    """Say in the log what a unit stored."""
    issues = sum(len(answer.found) for answer in stored)
    failed = sum(answer.reading.outcome == "failed" for answer in stored)
    fields: dict[str, Any] = {"tickets": len(stored), "issues": issues, "failed": failed, "calls": len(calls)}
    log.info(
        "tickets_read",
        message=f"Read {len(stored)} tickets in {len(calls)} calls: {issues} issues, {failed} failed",
        **fields,
    )
