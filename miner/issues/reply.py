"""What a call to a model gave (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from miner.issues.prices import Tokens


@dataclass(frozen=True, slots=True)
class Room:
    """What the rate limits leave for this minute; None: not told."""

    requests: int | None = None
    input_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """`outcome`: ok, cut, refused, too_long, bad_request or unusable. `tokens` None: nothing was used.

    `batch`: it came in a batch, at half the price.
    """

    outcome: str
    model: str
    text: str = ""
    reason: str | None = None
    request_id: str | None = None
    tokens: Tokens | None = None
    room: Room = Room()
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request of a batch: `kind` is succeeded, errored, canceled or expired.

    `reply` is there for what succeeded and for what failed for a reason of its own; `no_credit`: for want of money.
    """

    custom_id: str
    kind: str
    reply: Reply | None = None
    no_credit: bool = False


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch as Claude tells of it. `results_at` is the address of its results, None while there are none."""

    id: str
    ended: bool
    requests: int
    succeeded: int
    errored: int
    created_at: dt.datetime
    results_at: str | None
