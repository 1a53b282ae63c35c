"""How many calls may be under way at once (pure).

One at first, so that the cached prefix is there before others ask for it; then as many as allowed and as the rate
limits leave room for. A refusal halves the number, each answer after it adds one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Pace:
    """`allowed` is the number of calls that may be under way now, at most `most`."""

    most: int
    allowed: int = 1
    _warm: bool = False
    _calls: int = 0
    _tokens: int = 0

    def answered(self, tokens: int, *, requests_left: int | None = None, tokens_left: int | None = None) -> None:
        """A call was answered; `tokens` of it count against the limits, which leave so much for this minute."""
        self._calls, self._tokens = self._calls + 1, self._tokens + tokens
        wanted = self.allowed + 1 if self._warm else self.most
        self._warm = True
        rooms = [self.most, wanted]
        if requests_left is not None:
            rooms.append(requests_left)
        if tokens_left is not None:
            rooms.append(tokens_left // max(1, self._tokens // self._calls))
        self.allowed = max(1, min(rooms))

    def refused(self) -> None:
        """A call was refused or failed for a reason that more calls make worse."""
        self._warm = True
        self.allowed = max(1, self.allowed // 2)
