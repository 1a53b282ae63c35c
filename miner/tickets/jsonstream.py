"""The tickets of one large JSON document, one at a time (pure but for the file handed in).

The document is a list, or an object whose `tickets` is the list, as Zendesk's export answers. Nothing but the value at
hand is held.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

_CHUNK = 1 << 18
_LONGEST_VALUE = 64 << 20
_BLANK = re.compile(r"[ \t\r\n]*")
_CUT = 8  # so near the end of what is read, a word or an escape may be cut rather than wrong


class Unreadable(ValueError):
    """The document breaks in `line`; what came before it was whole."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        super().__init__(reason)


def read_values(text: TextIO) -> Iterator[tuple[int, Any]]:
    """(line, value) of each element; raises Unreadable where the document breaks."""
    reader = _Reader(text)
    if reader.take() == "{":
        _enter_tickets(reader)
    if reader.peek() == "]":
        return
    while True:
        yield reader.line_here(), reader.value()
        mark = reader.take()
        if mark == "]":
            return
        if mark != ",":
            raise reader.broken("a comma or the end of the list is missing")


def _enter_tickets(reader: _Reader) -> None:
    """Go past the object's other members to the first element of `tickets`."""
    while reader.peek() == '"':
        name = reader.value()
        if reader.take() != ":":
            raise reader.broken("a colon is missing")
        if name == "tickets":
            if reader.take() != "[":
                raise reader.broken('"tickets" is not a list')
            return
        reader.value()
        if reader.peek() == ",":
            reader.take()
    raise reader.broken('there is no list of tickets: a list, or an object with "tickets", is needed')


class _Reader:
    """A window over the text that moves forward and grows only while one value needs it."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._decode = json.JSONDecoder(strict=False).raw_decode
        self._window = ""
        self._at = 0
        self._line = 1

    def line_here(self) -> int:
        """The line of the next character that is not blank."""
        self.peek()
        return self._line + self._window.count("\n", 0, self._at)

    def broken(self, reason: str) -> Unreadable:
        return Unreadable(self.line_here(), reason)

    def peek(self) -> str:
        """The next character that is not blank; "" at the end."""
        while True:
            self._at = _BLANK.match(self._window, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._window):
                return self._window[self._at]
            if not self._more():
                return ""

    def take(self) -> str:
        """`peek`, and go past it."""
        mark = self.peek()
        self._at += len(mark)
        return mark

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._window, self._at)
            except RecursionError:
                raise self.broken("a value is nested too deeply") from None
            except json.JSONDecodeError as error:
                if not self._may_go_on(error):
                    raise self.broken("it is not JSON") from None
                if not self._more():
                    raise self.broken("the file ends in the middle of a value") from None
                continue
            except ValueError:
                raise self.broken("a number is too long") from None
            if end >= len(self._window) - 2 and isinstance(value, (int, float)) and self._more():
                continue  # "1e+" is not yet the whole number
            self._at = end
            return value

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether the value may only be cut by the window's end, rather than be wrong."""
        return error.pos >= len(self._window) - _CUT or error.msg.startswith("Unterminated string")

    def _more(self) -> bool:
        """Read on: as much again as is held, so that a long value is not decoded over and over."""
        if len(self._window) - self._at > _LONGEST_VALUE:
            raise self.broken("a value is longer than 64 million characters")
        chunk = self._text.read(max(_CHUNK, len(self._window) - self._at))
        if chunk:
            self._line += self._window.count("\n", 0, self._at)
            self._window, self._at = self._window[self._at :] + chunk, 0
        return bool(chunk)
