"""`miner costs`: what the calls to Claude cost, by run, model, month or theme, and what reading the rest will."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from sqlalchemy.orm import Session

from miner import settings
from miner.commands.output import say, show_json, show_table
from miner.config import Config
from miner.db import transaction
from miner.issues.backlog import find_outlook
from miner.issues.calls import list_costs
from miner.issues.prices import PRICES_OF
from miner.issues.spending import list_model_costs, list_month_costs, list_theme_costs
from miner.settings import Settings

TOKENS = ("input_tokens", "cached", "output_tokens")
COLUMNS = {
    "run": ("run", "model", "calls", "tickets", *TOKENS, "cost", "a_ticket"),
    "model": ("model", "calls", *TOKENS, "cost"),
    "month": ("month", "model", "calls", *TOKENS, "cost"),
    "theme": ("theme", "name", "tickets", "cost"),
}


def costs(options: Namespace) -> int:
    """Print what was spent, and the estimate for the tickets that wait."""
    config = Config.from_environment()
    with transaction() as session:
        _, current = settings.load(session)
        rows = _list(session, options.by, current, options.limit)
        ahead = find_outlook(session, settings=current, model=config.model)
        held = find_outlook(session, settings=current, model=config.model, held=True)
    if options.json:
        waiting = {"tickets": ahead.tickets, "model": ahead.model, "low": ahead.low, "high": ahead.high}
        backlog = {"tickets": held.tickets, "model": held.model, "low": held.low, "high": held.high}
        show_json({"prices_of": PRICES_OF, f"{options.by}s": rows, "waiting": waiting, "held_back": backlog})
        return 0
    show_table([_shown(row) for row in rows], COLUMNS[options.by])
    noun = "ticket waits" if ahead.tickets == 1 else "tickets wait"
    say(f"{ahead.tickets:,} {noun}: {ahead.price} with {config.model} (prices of {PRICES_OF})")
    if held.tickets:
        say(f"held back until somebody answers (`miner backlog list`): {held.sentence}")
    return 0


def _list(session: Session, by: str, current: Settings, limit: int) -> list[dict[str, Any]]:
    if by == "model":
        return list_model_costs(session, limit=limit)
    if by == "month":
        return list_month_costs(session, zone=current.zone, limit=limit)
    if by == "theme":
        return list_theme_costs(session, limit=limit)
    return list_costs(session, limit=limit)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A sum that lacks calls or readings of unknown cost says so; without any known one it is unknown."""
    what = "calls" if "calls" in row else "tickets"
    if row["cost"] is None or row["unpriced"] == row[what]:
        return {**row, "cost": "unknown", "a_ticket": "unknown"}
    least = ">= " if row["unpriced"] else ""
    note = f" ({row['unpriced']} {what} unpriced)" if row["unpriced"] else ""
    each = f"{least}${row['cost'] / row['tickets']:.6f}" if row.get("tickets") else "-"
    return {**row, "cost": f"{least}${row['cost']:.4f}{note}", "a_ticket": each}
