"""`miner costs`: what the calls to Claude cost, by run and model, and what reading the rest will."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from miner import settings
from miner.commands.output import say, show_json, show_table
from miner.config import Config
from miner.db import transaction
from miner.issues.calls import list_costs
from miner.issues.estimate import estimate
from miner.issues.pending import measure_pending
from miner.issues.prices import PRICES_OF
from miner.issues.prompt import system_text
from miner.issues.taxonomy_settings import taxonomy_of

COLUMNS = ("run", "model", "calls", "tickets", "input_tokens", "cached", "output_tokens", "cost", "a_ticket")


def costs(options: Namespace) -> int:
    """Print the newest runs that asked Claude, and the estimate for the tickets that wait."""
    config = Config.from_environment()
    with transaction() as session:
        rows = list_costs(session, limit=options.limit)
        tickets, characters = measure_pending(session)
        _, current = settings.load(session)
    ahead = estimate(
        tickets,
        characters,
        prefix=len(system_text(taxonomy_of(current))),
        per_call=current.tickets_per_call,
        model=config.model,
    )
    if options.json:
        waiting = {"tickets": tickets, "model": config.model, "low": ahead and ahead.low, "high": ahead and ahead.high}
        show_json({"prices_of": PRICES_OF, "runs": rows, "waiting": waiting})
        return 0
    show_table([_shown(row) for row in rows], COLUMNS)
    price = f"about ${ahead.low:.4f} to ${ahead.high:.4f}" if ahead else "an unknown price"
    say(f"{tickets:,} tickets wait: {price} with {config.model} (prices of {PRICES_OF})")
    return 0


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A sum that lacks the calls of unknown cost says so."""
    if row["unpriced"] == row["calls"]:
        return {**row, "cost": "unknown", "a_ticket": "unknown"}
    least = ">= " if row["unpriced"] else ""
    note = f" ({row['unpriced']} calls unpriced)" if row["unpriced"] else ""
    each = f"{least}${row['cost'] / row['tickets']:.6f}" if row["tickets"] else "-"
    return {**row, "cost": f"{least}${row['cost']:.4f}{note}", "a_ticket": each}
