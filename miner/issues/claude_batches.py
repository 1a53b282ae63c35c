"""Message Batches of the Claude API: half the price, an answer within a day, and no protection against doing it twice.

A batch that was created has no name of ours: only the custom ids in its results prove whose it is. So nothing here
tries again by itself, and an answer to `create` that is lost is told as such: ClaudeTrouble with `sent`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anthropic
import httpx2

from miner.errors import ClaudeTrouble, ConfigurationNeeded, MinerError
from miner.issues.claude import Claude, lost_on_the_way
from miner.issues.reply import RemoteBatch, Reply, Result

SEND_SECONDS = 600.0  # for the answer to a body of many megabytes
PAGE, MOST_LISTED = 100, 1_000
T = TypeVar("T")


class BatchTooLarge(Exception):
    """Claude takes no body of this size; nothing was created."""


class ClaudeBatches:
    """The batches of the key's workspace. What stops all calls is raised as `Claude.ask` raises it."""

    def __init__(self, claude: Claude) -> None:
        self._claude = claude
        self._batches = claude.client.messages.batches

    def create(self, requests: Mapping[str, Mapping[str, Any]]) -> RemoteBatch:
        """Send `requests`, parameters by custom id.

        Raises BatchTooLarge, ConfigurationNeeded, BudgetReached, RateLimited: it was refused; ClaudeTrouble: it may
        have been taken.
        """
        body: list[Any] = [{"custom_id": key, "params": params} for key, params in requests.items()]
        try:
            return _remote(self._batches.create(requests=body, timeout=SEND_SECONDS))
        except anthropic.APIStatusError as error:
            if error.status_code == 413:
                raise BatchTooLarge from None
            raise self._refusal(error) from None
        except anthropic.APIConnectionError as error:
            raise lost_on_the_way(error) from None
        except (anthropic.APIError, ValueError, AttributeError) as error:
            raise _unreadable(error) from None

    def find(self, batch_id: str) -> RemoteBatch | None:
        """The batch as it is now; None: Claude does not know it (which it has said of batches that were just made)."""
        try:
            return self._guarded(lambda: _remote(self._batches.retrieve(batch_id)))
        except anthropic.NotFoundError:
            return None

    def list_since(self, since: dt.datetime) -> list[RemoteBatch]:
        """The workspace's batches created since then, whoever made them, the newest first."""

        def walk() -> Iterator[RemoteBatch]:
            for place, batch in enumerate(self._batches.list(limit=PAGE)):
                if batch.created_at < since or place >= MOST_LISTED:
                    return
                yield _remote(batch)

        return self._guarded(lambda: list(walk()))

    def results(self, batch: RemoteBatch) -> Iterator[Result]:
        """The results of an ended batch in any order; raises ClaudeTrouble in the middle when the stream is cut.

        Nothing at all for results that are not kept any more. Raises ConfigurationNeeded, and asks nothing, when they
        stand at another host: the package would send the key there.
        """
        if batch.results_at is None:
            return
        base = urlsplit(str(self._claude.client.base_url))
        there = urlsplit(batch.results_at)
        if (there.scheme, there.netloc) != (base.scheme, base.netloc):
            raise ConfigurationNeeded(
                f"The results of a batch stand at {there.hostname}, not at {base.hostname}, so they are not fetched: "
                "the key would be sent there; set ANTHROPIC_BASE_URL to the address that gives results itself, or the "
                "setting reading to live"
            )
        try:
            lines = self._guarded(lambda: self._batches.results(batch.id))
        except anthropic.NotFoundError:
            return
        try:
            yield from (self._result(line) for line in lines)
        except (httpx2.HTTPError, ValueError) as error:
            raise ClaudeTrouble(f"the results of a batch were cut ({type(error).__name__})") from None
        finally:
            lines.close()

    def cancel(self, batch_id: str) -> None:
        """Ask that nothing more of it be worked; one that has ended stays as it is."""
        try:
            self._guarded(lambda: self._batches.cancel(batch_id))
        except (anthropic.NotFoundError, ConfigurationNeeded):
            return

    def delete(self, batch_id: str) -> bool:
        """Remove an ended batch with its results; whether it is gone."""
        try:
            self._guarded(lambda: self._batches.delete(batch_id))
        except anthropic.NotFoundError:
            return True
        except MinerError:  # it is removed with the next one, or by Claude after 29 days
            return False
        return True

    def _guarded(self, call: Callable[[], T]) -> T:
        """`call` with what it may raise in our words, except NotFoundError."""
        try:
            return call()
        except anthropic.NotFoundError:
            raise
        except anthropic.APIStatusError as error:
            raise self._refusal(error) from None
        except anthropic.APIConnectionError as error:
            raise lost_on_the_way(error) from None
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError, AttributeError) as error:
            raise _unreadable(error) from None

    def _refusal(self, error: anthropic.APIStatusError) -> Exception:
        detail = (error.api_message or "no reason given")[:200]
        if error.status_code == 400 and "credit balance" not in detail:
            return ConfigurationNeeded(f"Claude refuses the batch: {detail}; set the setting reading to live to go on")
        if error.status_code == 404:
            return ConfigurationNeeded(
                "This address of Claude has no Message Batches: set the setting reading to live, or check "
                "ANTHROPIC_BASE_URL"
            )
        return self._claude.what_stops_all(error)

    def _result(self, line: Any) -> Result:
        """The package parses leniently, so anything of a line may be missing."""
        key, result = str(getattr(line, "custom_id", "")), getattr(line, "result", None)
        kind = str(getattr(result, "type", "errored"))
        if kind == "succeeded":
            message = getattr(result, "message", None)
            request_id = getattr(message, "id", None)
            return Result(key, kind, self._claude.reply_of(message, request_id=request_id, batch=True))
        if kind in ("canceled", "expired"):
            return Result(key, kind)
        outer = getattr(result, "error", None)
        error = getattr(outer, "error", None)
        reason, text = getattr(error, "type", None), str(getattr(error, "message", None) or "no reason given")[:200]
        if reason == "billing_error" or (reason == "invalid_request_error" and "credit balance" in text):
            return Result(key, "errored", no_credit=True)
        outcome = {"invalid_request_error": "bad_request", "request_too_large": "too_long"}.get(str(reason))
        if outcome is None:
            return Result(key, "errored")
        request_id = getattr(outer, "request_id", None)
        return Result(
            key, "errored", Reply(outcome, self._claude.model, reason=text, request_id=request_id, batch=True)
        )


def _remote(batch: Any) -> RemoteBatch:
    counts = batch.request_counts
    return RemoteBatch(
        id=batch.id,
        ended=batch.processing_status == "ended",
        requests=counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired,
        succeeded=counts.succeeded,
        errored=counts.errored,
        created_at=batch.created_at,
        results_at=batch.results_url,
    )


def _unreadable(error: Exception) -> ClaudeTrouble:
    return ClaudeTrouble(f"Claude's answer could not be read ({type(error).__name__})", sent=True)
