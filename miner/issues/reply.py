"""What a call to a model gave (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from miner.issues.prices import Tokens


@dataclass(frozen=True, slots=True)
class Room:
    """What the rate limits leave for this minute; None: not told."""

    requests: int | None = None
    input_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """`outcome`: ok, cut, refused, too_long, bad_request or unusable. `tokens` None: nothing was used."""

    outcome: str
    model: str
    text: str = ""
    reason: str | None = None
    request_id: str | None = None
    tokens: Tokens | None = None
    room: Room = Room()
