"""The stand-in for the Claude API on loopback: messages, count_tokens, models, and batches (`batches.py`).

Its numbers speak of cost, speed and recovery, never of quality.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tests.standins.claude import answers
from tests.standins.claude.accounting import Cache, Clock, Limits, count_tokens
from tests.standins.claude.batches import Batches
from tests.standins.claude.contract import Refused, check_headers, check_message
from tests.standins.claude.http import Answer, Listener, Request
from tests.standins.claude.models import MODELS

KEY = "sk-ant-test-0123456789"


@dataclass
class Fault:
    """What happens instead of a good answer, `times` times, to requests for which `when` holds.

    `change` edits the well-formed message; `say` replaces its text; with a `status` other than 200 an error is sent.
    `at` is the call: messages (also those of a batch, for `change` and `say`), create, retrieve, list, results, cancel
    or delete, of which `when` gets the body. With status 200 the call is worked before `reset` breaks its answer.
    """

    at: str = "messages"

    status: int = 200
    kind: str = "api_error"
    message: str = "scripted"
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json"
    reset: str | None = None
    delay: float = 0.0
    close: bool = False
    change: Callable[[dict[str, Any]], None] | None = None
    say: Callable[[dict[str, Any]], str] | None = None
    when: Callable[[dict[str, Any]], bool] = lambda body: True
    times: int = 1


@dataclass(frozen=True)
class Logged:
    """A request as it came in, the status it got, and the usage it was billed."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    status: int
    usage: dict[str, Any] | None

    @property
    def tickets(self) -> list[dict[str, Any]]:
        """The tickets that were sent."""
        return tickets_of(self.body)


def tickets_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The tickets in a request for a message."""
    found: list[dict[str, Any]] = json.loads(body["messages"][-1]["content"])["tickets"]
    return found


class StandIn:
    """`base_url` and `key` to configure, `script` to break things, `log` of what came in, `clock` to move time.

    `billed` holds (request, usage) of all messages that were made, in batches too. `before` and `after` are called
    around the work of each request, with the request: a place to kill whoever asks.
    """

    def __init__(self, *, latency: float = 0.0) -> None:
        self.key, self.latency = KEY, latency
        self.clock = Clock()
        self.cache, self.limits = Cache(self.clock), Limits(self.clock)
        self.script: list[Fault] = []
        self.log: list[Logged] = []
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = answers.answer
        self.in_flight = self.most_in_flight = 0
        self.billed: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.before: Callable[[Request], None] = lambda request: None
        self.after: Callable[[Request], None] = lambda request: None
        self.batches = Batches(self.clock, self.compose)
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._listener = Listener(self._serve)

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listener.close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def calls(self) -> list[Logged]:
        """The messages that were asked for, refused ones too."""
        return [one for one in self.log if one.path == "/v1/messages"]

    def fail(self, status: int = 200, **fault: Any) -> None:
        """Add a fault to the script."""
        self.script.append(Fault(status=status, **fault))

    def _serve(self, request: Request) -> Answer:
        with self._lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.latency:
                time.sleep(self.latency)
            self.before(request)
            answer = self._answer(request)
            self.after(request)
            return answer
        finally:
            with self._lock:
                self.in_flight -= 1

    def _answer(self, request: Request) -> Answer:
        body: dict[str, Any] = {}
        usage = None
        try:
            check_headers(request, self.key)
            if request.raw:  # to cancel a batch takes no body
                body = request.json()
            answer, usage = self._route(request, body)
        except Refused as refused:
            answer = self._error(refused.status, refused.kind, str(refused))
        except ValueError:
            answer = self._error(400, "invalid_request_error", "the body is not valid JSON")
        answer.headers.update({"request-id": f"req_{next(self._ids):06d}", "anthropic-organization-id": "org_test"})
        for name, value in self.limits.headers().items():
            answer.headers.setdefault(name, value)
        self.log.append(Logged(request.method, request.path, request.headers, body, answer.status, usage))
        return answer

    def _route(self, request: Request, body: dict[str, Any]) -> tuple[Answer, dict[str, Any] | None]:
        where = (request.method, request.path)
        if where == ("POST", "/v1/messages"):
            return self._message(body)
        if where == ("POST", "/v1/messages/count_tokens"):
            check_message({"max_tokens": 1, **body})
            text = json.dumps([body.get("system"), body["messages"]], ensure_ascii=False)
            return self._json(200, {"input_tokens": count_tokens(text, MODELS[body["model"]])}), None
        if request.method == "GET" and request.path.startswith("/v1/models/"):
            name = request.path.rsplit("/", 1)[-1]
            if name not in MODELS:
                raise Refused(404, "not_found_error", f"model: {name}")
            known = {"id": name, "type": "model", "display_name": name, "created_at": "2026-10-07T00:00:00Z"}
            return self._json(200, {**known, "lifecycle": MODELS[name].lifecycle}), None
        if request.path.startswith("/v1/messages/batches"):
            return self._batch(request, body), None
        raise Refused(404, "not_found_error", "no such path")

    def _batch(self, request: Request, body: dict[str, Any]) -> Answer:
        what = self.batches.name(request)
        fault = self._next_fault(what, body)
        if fault and (fault.status != 200 or fault.raw is not None):
            return self._broken(fault)
        answer = self.batches.serve(what, request, body, base_url=self.base_url)
        if fault:
            answer.reset, answer.delay, answer.close = fault.reset, fault.delay, fault.close
        return answer

    def _broken(self, fault: Fault) -> Answer:
        if fault.raw is not None:
            return Answer(fault.status, fault.raw, dict(fault.headers), fault.content_type)
        answer = self._error(fault.status, fault.kind, fault.message, fault.code)
        answer.headers.update(fault.headers)
        return answer

    def _message(self, body: dict[str, Any]) -> tuple[Answer, dict[str, Any] | None]:
        check_message(body)
        fault = self._next_fault("messages", body)
        if fault and (fault.status != 200 or fault.raw is not None):
            return self._broken(fault), None
        message = self.compose(body, fault=fault)
        usage = message["usage"]
        if usage and not self.limits.take(usage["input_tokens"] + usage["cache_creation_input_tokens"]):
            answer = self._error(429, "rate_limit_error", "This request would exceed the rate limit")
            answer.headers["retry-after"] = str(self.limits.seconds_left())
            return answer, None
        self.billed.append((body, usage))
        answer = self._json(200, message)
        if fault:
            answer.headers.update(fault.headers)
            answer.reset, answer.delay, answer.close = fault.reset, fault.delay, fault.close
        return answer, usage

    def compose(self, body: dict[str, Any], *, fault: Fault | None = None, batch: bool = False) -> dict[str, Any]:
        """The message that answers `body`; one of a batch takes its own fault from the script, and is billed here."""
        fault = self._next_fault("messages", body) if batch else fault
        said = fault.say(body) if fault and fault.say else json.dumps(self.answer(body), ensure_ascii=False)
        cut = len(said) > (room := int(body["max_tokens"] * 3.5 / MODELS[body["model"]].tokenizer))
        said = said[:room]
        usage = self.cache.usage(self.key, body, said, batch=batch)
        usage["output_tokens"] = min(usage["output_tokens"], body["max_tokens"])
        message = {
            "id": f"msg_{next(self._ids):06d}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [{"type": "text", "text": said}],
            "stop_reason": "max_tokens" if cut else "end_turn",
            "stop_sequence": None,
            "stop_details": None,
            "usage": usage,
        }
        if fault and fault.change:
            fault.change(message)
        if batch:
            self.billed.append((body, usage))
        return message

    def _next_fault(self, at: str, body: dict[str, Any]) -> Fault | None:
        with self._lock:
            for fault in self.script:
                if fault.times > 0 and fault.at == at and fault.when(body):
                    fault.times -= 1
                    return fault
        return None

    def _error(self, status: int, kind: str, message: str, code: str | None = None) -> Answer:
        error: dict[str, Any] = {"type": kind, "message": message}
        if code:
            error["details"] = {"error_code": code}
        return self._json(status, {"type": "error", "error": error, "request_id": "req_error"})

    def _json(self, status: int, value: dict[str, Any]) -> Answer:
        return Answer(status, json.dumps(value, ensure_ascii=False).encode())
