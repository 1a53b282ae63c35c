"""The Claude API: one question, one answer. Only this module and `claude_batches.py` know the `anthropic` package.

An answer of whatever kind is a Reply with what it used, since it is billed. What stops all calls, not this one alone,
is raised: RateLimited, ConfigurationNeeded, BudgetReached, ClaudeTrouble. The package's own retries are off: a wait
belongs to the run, which holds no thread meanwhile.

Calls at the same time have a connection each (a lane). In one pool of connections each call holds the pool's lock while
it looks at all the others: of 64 threads, 18 waited for it on average.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2

from miner.errors import BudgetReached, ClaudeTrouble, ConfigurationNeeded, MinerError, RateLimited
from miner.issues.prices import Tokens
from miner.issues.profiles import profile_of
from miner.issues.reply import Reply, Room

SECONDS, CONNECT_SECONDS = 120.0, 5.0
UNTOLD_WAIT = 30.0  # seconds to wait when a 429 does not say
LONGEST_WAIT = 3_600.0
NO_ROOM = Room()
_SPEND_LIMITS = ("enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded")
_STOPS = {"end_turn": "ok", "max_tokens": "cut", "refusal": "refused", "model_context_window_exceeded": "too_long"}


class Claude:
    """A client for one model; may be shared by threads. `close` ends its connections and the calls on them."""

    name = "claude"

    def __init__(self, *, api_key: str, model: str, base_url: str | None = None, seconds: float = SECONDS) -> None:
        self.model, self.spare = model, False
        self._profile = profile_of(model)
        self._ssl = httpx2.create_ssl_context()  # once: it reads all certificates
        self._lanes: list[anthropic.Anthropic] = []  # those that nobody uses now
        self._opened: list[anthropic.Anthropic] = []
        self.client = anthropic.Anthropic(
            api_key=api_key,
            base_url=base_url or "https://api.anthropic.com",
            max_retries=0,
            timeout=anthropic.Timeout(seconds, connect=CONNECT_SECONDS),
            http_client=anthropic.DefaultHttpxClient(verify=self._ssl),
        )

    def close(self) -> None:
        for one in (self.client, *self._opened):
            one.close()

    @contextmanager
    def _lane(self) -> Iterator[anthropic.Anthropic]:
        """A client that nobody else uses meanwhile. Lists are popped and appended by one thread at a time."""
        try:
            lane = self._lanes.pop()
        except IndexError:
            http = anthropic.DefaultHttpxClient(verify=self._ssl)
            lane = self.client.with_options(http_client=http, timeout=self.client.timeout)
            self._opened.append(lane)
        try:
            yield lane
        finally:
            self._lanes.append(lane)

    def second(self, model: str) -> Claude:
        """The same client for another model, which stands in for single tickets: where it is not to be had, a call
        fails and the run goes on."""
        other = copy(self)
        other.model, other.spare, other._profile = model, True, profile_of(model)
        return other

    def params(
        self, system: str, question: str, *, schema: Mapping[str, Any], max_tokens: int, cached: bool = True
    ) -> dict[str, Any]:
        """The parameters of a call, live or in a batch; `cached`: `system` is kept for five minutes."""
        mark: dict[str, Any] = {"cache_control": {"type": "ephemeral"}} if cached else {}
        found = {
            "model": self.model,
            "max_tokens": min(max_tokens, self._profile.most_output),
            "system": [{"type": "text", "text": system, **mark}],
            "messages": [{"role": "user", "content": question}],
            "output_config": {"format": {"type": "json_schema", "schema": dict(schema)}, **self._profile.output_config},
        }
        return {**found, "thinking": dict(self._profile.thinking)} if self._profile.thinking else found

    def ask(self, system: str, question: str, *, schema: Mapping[str, Any], max_tokens: int) -> Reply:
        """The answer to `question` in the shape of `schema`; `system` is cached for five minutes."""
        params = self.params(system, question, schema=schema, max_tokens=max_tokens)
        try:
            with self._lane() as lane:
                raw = lane.messages.with_raw_response.create(**params)
            return self.reply_of(raw.parse(), room=_room(raw.headers), request_id=raw.headers.get("request-id"))
        except anthropic.APIStatusError as error:
            return self._refusal(error)
        except anthropic.APIConnectionError as error:
            raise lost_on_the_way(error) from None
        except (anthropic.APIError, ValueError) as error:  # an answer that is no JSON
            raise ClaudeTrouble(f"Claude's answer could not be read ({type(error).__name__})", sent=True) from None

    def check_model(self) -> str:
        """The model's id as Claude knows it: the key works and may use it. Costs nothing; raises as `ask` does."""
        try:
            return self.client.models.retrieve(self.model).id
        except anthropic.APIStatusError as error:
            raise self.what_stops_all(error) from None
        except anthropic.APIConnectionError as error:
            raise lost_on_the_way(error) from None
        except (anthropic.APIError, ValueError) as error:
            raise ClaudeTrouble(f"Claude's answer could not be read ({type(error).__name__})") from None

    def reply_of(
        self, message: Any, *, room: Room = NO_ROOM, request_id: str | None = None, batch: bool = False
    ) -> Reply:
        """The package parses leniently, so anything of a message may be missing."""
        tokens = _tokens(getattr(message, "usage", None))
        model = getattr(message, "model", None) or self.model
        stop = getattr(message, "stop_reason", None)
        blocks = getattr(message, "content", None) or []
        text = "".join(block.text for block in blocks if getattr(block, "type", None) == "text")
        outcome, reason = _STOPS.get(str(stop), "unusable"), None
        if outcome == "refused":
            kind = getattr(getattr(message, "stop_details", None), "category", None)
            reason = f"Claude declined to read it{f' ({kind})' if kind else ''}"
        elif outcome == "unusable":
            reason = "Claude's answer is of a kind that is not known"
        elif outcome == "ok" and not text.strip():
            outcome, reason = "unusable", "Claude's answer is empty"
        return Reply(outcome, model, text, reason, request_id, tokens, room, batch)

    def _refusal(self, error: anthropic.APIStatusError) -> Reply:
        """A Reply where it concerns this question alone; raises what concerns all of them."""
        if error.status_code == 413:
            return Reply("too_long", self.model, request_id=error.request_id)
        missing = self.spare and error.status_code in (403, 404)
        if missing or (error.status_code == 400 and "credit balance" not in (error.api_message or "")):
            detail = (error.api_message or "no reason given")[:200]
            return Reply("bad_request", self.model, reason=detail, request_id=error.request_id)
        raise self.what_stops_all(error) from None

    def what_stops_all(self, error: anthropic.APIStatusError) -> MinerError:
        """The error to raise for an answer that concerns all calls."""
        status, model = error.status_code, self.model
        if error.error_code in _SPEND_LIMITS or status in (400, 402):
            return BudgetReached(
                "The Claude account has reached its spending limit or has no credit left; raise the limit or add "
                "credit in the Claude Console"
            )
        if status == 429:
            return RateLimited("Claude asks for a pause: its rate limit is reached", _wait(error))
        if status == 401:
            return ConfigurationNeeded("Claude refuses the key: set ANTHROPIC_API_KEY to a valid one")
        if status == 403:
            return ConfigurationNeeded(
                f"The key may not use {model}: allow it in the Claude Console or set ANTHROPIC_API_KEY to another key"
            )
        if status == 404:
            return ConfigurationNeeded(
                f"Claude does not know the model {model}, or it is retired: set MINER_MODEL to one that exists"
            )
        if status in (408, 409) or status >= 500:
            kind = "is overloaded" if status == 529 else f"has trouble (HTTP {status})"
            return ClaudeTrouble(f"Claude {kind}")
        return ConfigurationNeeded(f"Claude refuses every call (HTTP {status}): check ANTHROPIC_BASE_URL")


def lost_on_the_way(error: anthropic.APIConnectionError) -> ClaudeTrouble:
    """The call may have been worked all the same."""
    late = isinstance(error, anthropic.APITimeoutError)
    what = "did not answer in time" if late else "cannot be reached, or the connection broke"
    return ClaudeTrouble(f"Claude {what}", sent=True)


def _tokens(usage: Any) -> Tokens | None:
    sent, received = getattr(usage, "input_tokens", None), getattr(usage, "output_tokens", None)
    if sent is None or received is None:
        return None
    written = getattr(usage, "cache_creation_input_tokens", None) or 0
    hour = getattr(getattr(usage, "cache_creation", None), "ephemeral_1h_input_tokens", None) or 0
    read = getattr(usage, "cache_read_input_tokens", None) or 0
    return Tokens(sent=sent, written=written - hour, written_1h=hour, read=read, received=received)


def _room(headers: Mapping[str, str]) -> Room:
    def number(name: str) -> int | None:
        found = headers.get(f"anthropic-ratelimit-{name}-remaining", "")
        return int(found) if found.isdecimal() else None

    return Room(number("requests"), number("input-tokens"))


def _wait(error: anthropic.APIStatusError) -> float:
    """Seconds that a 429 asks for: milliseconds, seconds or a date."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1_000.0), ("retry-after", 1.0)):
        try:
            return min(LONGEST_WAIT, max(0.0, float(headers[name]) / unit))
        except (KeyError, ValueError):
            continue
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return UNTOLD_WAIT
    return min(LONGEST_WAIT, max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds()))
