"""What reading will cost, before it is done: a low and a high figure (pure).

Bounds rather than a guess: few or many tokens for the same characters, terse or ample answers, the prompt cached or
not. They are of the right size, not exact; billing goes by what the API reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from miner.issues.prices import Tokens, cost
from miner.issues.profiles import profile_of

SPREAD = 0.25  # by which the characters of a token are more or fewer than the profile says
ANSWER_TOKENS = (40, 260)  # of one ticket: none has an issue, all have one with several facts
FRAME = 60  # characters around a ticket in the document


@dataclass(frozen=True, slots=True)
class Estimate:
    """Dollars, low and high."""

    low: Decimal
    high: Decimal


def estimate(
    tickets: int, characters: int, *, prefix: int, per_call: int, model: str, batch: bool = False
) -> Estimate | None:
    """The cost of reading `tickets` of so many `characters` in all behind `prefix` characters of instructions.

    `batch`: at half the price and without the prompt cache. None: the price of `model` is unknown.
    """
    per_token = profile_of(model).characters_per_token
    figures = []
    for size, answer, cached in (
        (per_token * (1 + SPREAD), ANSWER_TOKENS[0], True),
        (per_token * (1 - SPREAD), ANSWER_TOKENS[1], False),
    ):
        calls = -(-tickets // per_call) if cached else tickets  # at worst each is read alone
        instructions, text = int(prefix / size), int((characters + FRAME * tickets) / size)
        live = Tokens(read=instructions) if cached else Tokens(written=instructions)
        one_prompt = cost(model, Tokens(sent=instructions) if batch else live, batch=batch)
        each = cost(model, Tokens(sent=text // max(1, tickets), received=answer), batch=batch)
        if one_prompt is None or each is None:
            return None
        figures.append(one_prompt * calls + each * tickets)
    return Estimate(*figures)
