"""Which of the tickets that were read a re-reading is about: all, those the local rules read, those read otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.config import Config
from miner.errors import ConfigurationNeeded, InvalidArguments
from miner.issues.batching import takes_batches
from miner.issues.calls import was_claude_used
from miner.issues.estimate import Estimate, estimate
from miner.issues.knowledge import PromptSize, measure_prompt
from miner.issues.readers import LOCAL_VERSION, is_claude_to_read
from miner.models import SCOPES
from miner.settings import Settings

MOST_DRAWN_FROM = 200_000


@dataclass(frozen=True, slots=True)
class Reach:
    """How many tickets a scope holds now, the characters of their texts, and what reading them again would cost.

    `price` None: unknown; the local rules cost nothing.
    """

    scope: str
    tickets: int
    characters: int
    price: Estimate | None


def model_in_force(config: Config) -> str:
    """What would read now."""
    local = config.analyzer == "local" or (config.analyzer == "auto" and not config.anthropic_api_key)
    return LOCAL_VERSION if local else config.model


def find_obstacle(session: Session, config: Config) -> str | None:
    """Why nothing would be read now although somebody asked for it; None: something would."""
    try:
        is_claude_to_read(config, used_before=config.analyzer == "auto" and was_claude_used(session))
    except ConfigurationNeeded as needed:
        return str(needed)
    return None


def list_reaches(session: Session, *, version: int, settings: Settings, config: Config) -> list[Reach]:
    """Every scope with its size and price, in the order of SCOPES; the prompt is loaded once."""
    model = model_in_force(config)
    row = session.execute(text(_SIZES), {"version": version, "model": model}).one()
    size = PromptSize(0) if model == LOCAL_VERSION else measure_prompt(session, settings, version=version)
    reaches = []
    for place, scope in enumerate(SCOPES):
        tickets, characters = int(row[2 * place]), int(row[2 * place + 1])
        price: Estimate | None = Estimate(Decimal(0), Decimal(0))
        if model != LOCAL_VERSION and tickets:
            batch = takes_batches(settings.reading, settings.batch_above, tickets)
            price = estimate(
                tickets,
                characters + tickets * size.a_ticket,
                prefix=size.prefix,
                per_call=settings.tickets_in_call(batch=batch),
                model=model,
                batch=batch,
            )
        reaches.append(Reach(scope, tickets, characters, price))
    return reaches


def list_ids(session: Session, scope: str, *, version: int, model: str) -> Sequence[int]:
    """The newest tickets of the scope, at most MOST_DRAWN_FROM."""
    check_scope(scope)
    values = {"version": version, "model": model, "most": MOST_DRAWN_FROM}
    return session.scalars(
        text(f"SELECT id FROM ({_READ}) AS read WHERE {_IN[scope]} ORDER BY id DESC LIMIT :most"),  # noqa: S608
        values,
    ).all()


def scope_condition(scope: str) -> str:
    """`SELECT id, text_hash, analyzed_at ...` of the scope's tickets; takes :version and :model."""
    check_scope(scope)
    return f"SELECT id, text_hash, analyzed_at FROM ({_READ}) AS read WHERE {_IN[scope]}"  # noqa: S608


def check_scope(scope: str) -> str:
    """The scope; raises InvalidArguments."""
    if scope not in SCOPES:
        raise InvalidArguments({"scope": f"choose one of {', '.join(SCOPES)}"})
    return scope


# Tickets whose present text was read, each with its newest reading that said something.
_READ = """
    SELECT ticket.id, ticket.text_hash, ticket.analyzed_at, char_length(ticket.text) AS characters,
      reading.analyzer, reading.model, reading.settings_version
    FROM tickets AS ticket CROSS JOIN LATERAL (
      SELECT analyzer, model, settings_version FROM analyses
      WHERE ticket_id = ticket.id AND outcome <> 'skipped' ORDER BY id DESC LIMIT 1) AS reading
    WHERE ticket.deleted_at IS NULL AND ticket.merged_into IS NULL AND ticket.analyzed_text_hash = ticket.text_hash"""
_IN = {
    "all": "true",
    "local": "analyzer = 'local'",
    "older": "(settings_version, model) IS DISTINCT FROM (CAST(:version AS bigint), CAST(:model AS text))",
}
_SIZES = f"""
    SELECT {
    ", ".join(
        f"count(*) FILTER (WHERE {_IN[scope]}), coalesce(sum(characters) FILTER (WHERE {_IN[scope]}), 0)"
        for scope in SCOPES
    )
}
    FROM ({_READ}) AS read"""  # noqa: S608 - our own text
