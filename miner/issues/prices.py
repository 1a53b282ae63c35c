"""What a call to Claude costs, by the price list of `PRICES_OF` (pure).

Prices are dated data. A model that is not in the list has no price: its calls cost "unknown", never 0, and sums that
hold such calls say so.

Source: the public price list of the Claude API, dollars for a million tokens.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

PRICES_OF = dt.date(2026, 11, 23)
MILLION = Decimal(1_000_000)
BATCH = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one call used. `sent` is the part of the prompt that neither went into the cache nor came from it."""

    sent: int = 0
    written: int = 0
    read: int = 0
    received: int = 0
    written_1h: int = 0

    @property
    def prompt(self) -> int:
        return self.sent + self.written + self.written_1h + self.read


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens; `over` is the prompt length past which the whole call is priced by `long`."""

    sent: Decimal
    received: Decimal
    written: Decimal
    written_1h: Decimal
    read: Decimal
    valid_from: dt.date = dt.date.min
    over: int | None = None
    long: Price | None = None


def _price(sent: str, received: str, written: str, written_1h: str, read: str, **more: object) -> Price:
    return Price(*map(Decimal, (sent, received, written, written_1h, read)), **more)  # type: ignore[arg-type]


_OPUS = _price("5", "25", "6.25", "10", "0.50")
_LARGEST = _price("10", "50", "12.50", "20", "0.25")
# By model id, the newest price first. A dated id (claude-haiku-4-5-20251001) has the price of its plain one.
PRICES: dict[str, tuple[Price, ...]] = {
    "claude-haiku-5-5": (
        _price(
            "0.10", "0.50", "0.125", "0.20", "0.01",
            over=100_000, long=_price("0.50", "2.50", "0.625", "1.00", "0.05"),
        ),
    ),
    "claude-haiku-4-5": (_price("1", "5", "1.25", "2", "0.10"),),
    "claude-sonnet-5-5": (
        _price("2", "10", "2.50", "4", "0.10", valid_from=dt.date(2026, 10, 7)),
        _price("2", "10", "2.50", "4", "0.20"),
    ),
    "claude-sonnet-5": (_price("2", "10", "2.50", "4", "0.20"),),
    "claude-sonnet-4-6": (_price("3", "15", "3.75", "6", "0.30"),),
    "claude-opus-5-5": (_price("4", "20", "5", "8", "0.20"),),
    "claude-opus-5": (_OPUS,),
    "claude-opus-4-8": (_OPUS,),
    "claude-opus-4-7": (_OPUS,),
    "claude-opus-4-6": (_OPUS,),
    "claude-opus-4-5": (_OPUS,),
    "claude-fable-5-1": (_LARGEST,),
    "claude-mythos-5-1": (_LARGEST,),
}  # fmt: skip


def find_price(model: str, *, on: dt.date = PRICES_OF) -> Price | None:
    """The price of `model` on that day; None: it is unknown."""
    plain, _, date = model.rpartition("-")
    known = PRICES.get(model) or (PRICES.get(plain) if len(date) == 8 and date.isdecimal() else None)
    return next((price for price in known or () if price.valid_from <= on), None)


def cost(model: str, tokens: Tokens, *, batch: bool = False, on: dt.date = PRICES_OF) -> Decimal | None:
    """Dollars for one call; None: the price of `model` is unknown."""
    price = find_price(model, on=on)
    if price is None:
        return None
    if price.over is not None and price.long is not None and tokens.prompt > price.over:
        price = price.long
    dollars = (
        tokens.sent * price.sent
        + tokens.written * price.written
        + tokens.written_1h * price.written_1h
        + tokens.read * price.read
        + tokens.received * price.received
    ) / MILLION
    return dollars * BATCH if batch else dollars


def share(amount: int, parts: int) -> list[int]:
    """`amount` in `parts` whole numbers that differ by one at most and sum to it."""
    small, rest = divmod(amount, parts)
    return [small + (place < rest) for place in range(parts)]


def share_cost(amount: Decimal, parts: int) -> list[Decimal]:
    """`amount` in `parts` equal amounts of 12 places that sum to it exactly; the first carries what rounding leaves."""
    each = (amount / parts).quantize(Decimal("1e-12"), rounding=ROUND_DOWN)
    return [amount - each * (parts - 1), *[each] * (parts - 1)]
