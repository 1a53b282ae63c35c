"""The rules of batches: ids that prove whose a result is, how long to wait, what fits, what was spent (pure)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from miner.issues.answer import HelpLink, Usage
from miner.issues.judge import Task

MOST_REQUESTS = 1_000  # in one batch: far below what Claude takes, for a process of 512 MB
MOST_TRIES = 3  # times a request is sent that gets no answer
POLL_SECONDS, POLL_LONGEST = 60.0, 300.0
POLL_CANCELLED = 15.0
LOOKS = 3  # in vain, after which a batch whose creation is in doubt counts as never made
GIVE_UP_SECONDS = 25 * 3_600.0  # a batch ends within 24 hours
T = TypeVar("T")


def takes_batches(reading: str, batch_above: int, waiting: int) -> bool:
    """Whether so many waiting tickets go in batches, by the settings of these names."""
    return reading == "batch" or (reading == "auto" and waiting > batch_above)


def new_token() -> str:
    """What the custom ids of one batch begin with, and of no other."""
    return f"pim-{secrets.token_hex(12)}"


def custom_id(token: str, seq: int) -> str:
    return f"{token}-{seq:05d}"


def seq_of(token: str, key: str) -> int | None:
    """The number of the request `key` in the batch `token`; None: it is not of that batch."""
    prefix, _, number = key.rpartition("-")
    return int(number) if prefix == token and number.isdecimal() and number.isascii() else None


def poll_delay(polls: int) -> float:
    """Seconds until a batch is asked for again after `polls` times: a minute, then up to five."""
    return min(POLL_LONGEST, POLL_SECONDS * (1 + polls / 4))


def look_delay(looks: int) -> float:
    """Seconds until a batch whose creation is in doubt is looked for, after `looks` times in vain."""
    return POLL_SECONDS * 2.0**looks


def chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of `size`, the last one shorter."""
    chunk: list[T] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def keep_tickets(task: Task, kept: Sequence[bool]) -> Task | None:
    """`task` with those of its tickets that are kept; None: with none."""
    places = [place for place, keep in enumerate(kept) if keep]
    if not places:
        return None
    spent = tuple(task.spent[place] for place in places) if task.spent else ()
    return replace(task, tickets=tuple(task.tickets[place] for place in places), spent=spent)


def articles_to_json(task: Task) -> list[list[list[str]]]:
    """The articles that each ticket was shown: the answer names them by their place."""
    return [[[one.title, one.section, one.url] for one in ticket.articles] for ticket in task.tickets]


def articles_from_json(stored: Sequence[Sequence[Sequence[str]]], place: int) -> tuple[HelpLink, ...]:
    return tuple(HelpLink(*one) for one in stored[place]) if stored else ()


def spent_to_json(spent: Sequence[Usage]) -> list[list[Any]]:
    return [[one.input_tokens, one.output_tokens, None if one.cost_usd is None else str(one.cost_usd)] for one in spent]


def spent_from_json(stored: Sequence[Sequence[Any]]) -> tuple[Usage, ...]:
    return tuple(Usage(sent, received, None if cost is None else Decimal(cost)) for sent, received, cost in stored)


def describe(requests: int, *, in_doubt: int = 0) -> str:
    """What the run waits for, as a sentence; `in_doubt` of the requests are in batches whose creation is in doubt."""
    said = f"Claude works on a batch of {requests:,} requests at half the price; most are ready within an hour"
    return f"{said}; whether Claude has got {in_doubt:,} of them is being looked up" if in_doubt else said
