"""Requests and answers, as the routes see them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(slots=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes = b""
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path = unquote(parts.path)
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))

    def json(self) -> Any:
        """The body; raises Rejected 400 when it is not JSON."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            raise Rejected(400, {"error": "Unprocessable JSON", "description": "The body is not valid JSON"}) from None

    def includes(self) -> set[str]:
        return {one.strip() for one in self.query.get("include", "").split(",") if one.strip()}


@dataclass(slots=True)
class Delivery:
    """How an answer reaches the client, where it does not reach it whole."""

    reset_before: bool = False  # the connection is reset before the first byte
    stall: float = 0.0  # seconds of silence before the first byte
    cut_at: float | None = None  # this share of the body is sent, then the connection is reset
    drip: float = 0.0  # seconds over which the body trickles
    broken_gzip: bool = False
    truncate_at: float | None = None  # the body ends here, and Content-Length says so


@dataclass(slots=True)
class Answer:
    """`data` is sent as JSON unless `raw` is given."""

    status: int = 200
    data: Any = None
    raw: bytes | None = None
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    delivery: Delivery = field(default_factory=Delivery)

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return json.dumps(self.data, separators=(",", ":")).encode()


class Rejected(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, data: Any, **headers: str) -> None:
        super().__init__(str(data))
        self.answer = Answer(status, data, headers={key.replace("_", "-"): value for key, value in headers.items()})


def text_answer(status: int, text: str, content_type: str = TEXT, **headers: str) -> Answer:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Answer(status, raw=text.encode(), content_type=content_type, headers=named)
