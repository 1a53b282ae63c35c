"""What lies ahead of a reading, as one sentence: tickets, dollars and minutes, each low and high (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from miner.issues.estimate import ANSWER_TOKENS, estimate
from miner.issues.prices import PRICES_OF

# Seconds of a call before its first word, and tokens a second after it: quick and slow, as seen from outside.
BEFORE_WORDS = (1.0, 5.0)
WORDS_A_SECOND = (200.0, 50.0)
BATCH_SECONDS = (600.0, 3_600.0)  # of a batch, as a rule


@dataclass(frozen=True, slots=True)
class Outlook:
    """`tickets` to be read by `model`; dollars are None where its price is unknown."""

    tickets: int
    model: str
    low: Decimal | None
    high: Decimal | None
    low_seconds: float
    high_seconds: float
    prices_of: dt.date = PRICES_OF

    @property
    def price(self) -> str:
        """`about $0.21 to $0.84`, or that it is not known."""
        if self.low is None or self.high is None:
            return f"an unknown price ({self.model} is not in the price list)"
        return f"about {dollars(self.low)} to {dollars(self.high)}"

    @property
    def time(self) -> str:
        """`3 to 12 minutes`."""
        low, high = minutes(self.low_seconds), minutes(self.high_seconds)
        return f"{low} minute{'' if low == 1 else 's'}" if low == high else f"{low} to {high} minutes"

    @property
    def sentence(self) -> str:
        """`7,000 tickets: about $0.21 to $0.84 and 3 to 12 minutes with claude-haiku-5-5 (prices of 2026-11-23)`."""
        noun = "ticket" if self.tickets == 1 else "tickets"
        return (
            f"{self.tickets:,} {noun}: {self.price} and {self.time} with {self.model} (prices of {self.prices_of})"
            if self.tickets
            else "no ticket waits to be read"
        )


def look_ahead(
    tickets: int, characters: int, *, prefix: int, per_call: int, at_once: int, model: str, batch: bool = False
) -> Outlook:
    """What reading `tickets` of so many `characters` in all takes, live, `at_once` calls of `per_call` tickets.

    `batch`: in batches instead, at half the price; most end within an hour, all within a day.

    The low figure has full calls, terse answers and a quick service; the high one has each ticket read alone, with
    ample answers and a slow service. Rate limits and pauses come on top.
    """
    price = estimate(tickets, characters, prefix=prefix, per_call=per_call, model=model, batch=batch)
    seconds = list(BATCH_SECONDS) if batch else []
    for place, packed in enumerate(() if batch else (per_call, 1)):
        calls = -(-tickets // packed)
        rounds = -(-calls // at_once)
        seconds.append(rounds * (BEFORE_WORDS[place] + packed * ANSWER_TOKENS[place] / WORDS_A_SECOND[place]))
    low, high = (price.low, price.high) if price else (None, None)
    return Outlook(tickets, model, low, high, min(seconds), max(seconds))


def dollars(amount: Decimal) -> str:
    """Two decimals, or as many as show the first two digits of a small amount: `$1,204.50`, `$0.0031`."""
    if amount and abs(amount) < Decimal("0.1"):
        places = min(12, 1 - amount.adjusted())
        return f"${amount:.{places}f}"
    return f"${amount:,.2f}"


def minutes(seconds: float) -> int:
    """Whole minutes, at least one."""
    return max(1, round(seconds / 60))
