"""Tokens, the prompt cache and the rate limits, on the stand-in's own clock."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.standins.claude.models import MODELS, Model


class Clock:
    """Stands still until it is advanced; seconds since 1970. `wall` is the real time, advanced as much."""

    def __init__(self, start: float = 1_795_000_000.0) -> None:
        self.now = self._start = start

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def wall(self) -> float:
        return time.time() + self.now - self._start


def count_tokens(text: str, model: Model) -> int:
    return math.ceil(math.ceil(len(text) / 3.5) * model.tokenizer)


@dataclass
class Cache:
    """Prefixes that were sent, each with the time until which it is kept."""

    clock: Clock
    batch_hits: float = 0.6  # the requests of a batch run side by side: documents speak of 30 to 98 %
    _until: dict[str, float] = field(default_factory=dict)
    _chance: random.Random = field(default_factory=lambda: random.Random(7))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def usage(self, key: str, body: dict[str, Any], said: str, *, batch: bool = False) -> dict[str, Any]:
        """The usage block of an answer that says `said`; in a batch the cache is hit by chance (`batch_hits`)."""
        model = MODELS[body["model"]]
        prefix, ttl = _marked_prefix(body)
        whole = count_tokens(_system_text(body) + json.dumps(body["messages"], ensure_ascii=False), model)
        schema = json.dumps((body.get("output_config") or {}).get("format"), sort_keys=True)
        cached = count_tokens(prefix, model) if prefix else 0
        if cached < model.least_cached:
            cached = 0
        written = read = 0
        if cached:
            digest = hashlib.sha256("\0".join([key, body["model"], schema, prefix]).encode()).hexdigest()
            with self._lock:
                kept = self._until.get(digest, 0) > self.clock.now
                hit = kept and (not batch or self._chance.random() < self.batch_hits)
                read, written = (cached, 0) if hit else (0, cached)
                self._until[digest] = self.clock.now + ttl
        hour = ttl == 3_600
        return {
            "input_tokens": whole - cached,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 0 if hour else written,
                "ephemeral_1h_input_tokens": written if hour else 0,
            },
            "output_tokens": count_tokens(said, model),
            "service_tier": "batch" if batch else "standard",
        }


def _system_text(body: dict[str, Any]) -> str:
    system = body.get("system") or ""
    return system if isinstance(system, str) else "".join(block["text"] for block in system)


def _marked_prefix(body: dict[str, Any]) -> tuple[str, int]:
    """The system text up to its last mark, and how many seconds it is kept; empty without a mark."""
    system, text, marked, ttl = body.get("system") or "", "", "", 0
    for block in [] if isinstance(system, str) else system:
        text += block["text"]
        if mark := block.get("cache_control"):
            marked, ttl = text, 3_600 if mark.get("ttl") == "1h" else 300
    return marked, ttl


@dataclass
class Limits:
    """A minute's allowance of requests and input tokens; refilled as a whole when the clock passes the minute."""

    clock: Clock
    requests: int = 4_000
    tokens: int = 2_000_000
    _used: tuple[int, int] = (0, 0)
    _minute: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, tokens: int) -> bool:
        """Whether another request of so many tokens is allowed; it counts if so."""
        with self._lock:
            self._turn()
            requests, used = self._used
            if requests >= self.requests or used + tokens > self.tokens:
                return False
            self._used = (requests + 1, used + tokens)
            return True

    def headers(self) -> dict[str, str]:
        with self._lock:
            self._turn()
            reset = dt.datetime.fromtimestamp(self._minute + 60, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            left = (self.requests - self._used[0], self.tokens - self._used[1])
        found = {}
        for name, limit, remaining in (("requests", self.requests, left[0]), ("input-tokens", self.tokens, left[1])):
            found[f"anthropic-ratelimit-{name}-limit"] = str(limit)
            found[f"anthropic-ratelimit-{name}-remaining"] = str(max(0, remaining))
            found[f"anthropic-ratelimit-{name}-reset"] = reset
        return found

    def seconds_left(self) -> int:
        return math.ceil(max(1.0, self._minute + 60 - self.clock.now))

    def _turn(self) -> None:
        if self.clock.now >= self._minute + 60:
            self._minute, self._used = self.clock.now, (0, 0)
