"""Message Batches on the stand-in's clock: created, in progress, ended or cancelled, expired, archived.

Requests are worked when the batch ends, and that is when they are billed; what becomes of one can be chosen (`fate`).
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.standins.claude.accounting import Clock
from tests.standins.claude.contract import Refused, check_batch, check_message, invalid
from tests.standins.claude.http import Answer, Request

DAY = 24 * 3_600.0
RESULTS_DAYS = 29
Result = dict[str, Any]


@dataclass
class Batch:
    """One batch; `results` are there once it has ended."""

    id: str
    requests: list[dict[str, Any]]
    created_at: float
    polls: int = 0
    canceling_at: float | None = None
    ended_at: float | None = None
    results: list[Result] = field(default_factory=list)


class Batches:
    """The batches of the workspace.

    A batch ends `seconds` after it was created, or with its `polls_until_end`th look (None: by the clock only), or a
    day after it was created, with what is not done as expired. `fate` may say what becomes of a request instead of
    an answer: a result such as {"type": "expired"}. A cancelled batch has `done_when_cancelled` of its requests done.
    """

    def __init__(self, clock: Clock, compose: Callable[..., dict[str, Any]]) -> None:
        self.all: list[Batch] = []  # the oldest first
        self.deleted: list[str] = []
        self.seconds = 600.0
        self.polls_until_end: int | None = 1
        self.fate: Callable[[dict[str, Any]], Result | None] = lambda request: None
        self.done_when_cancelled = 0.5
        self.results_host: str | None = None  # instead of the stand-in's own
        self._clock, self._compose = clock, compose
        self._ids, self._lock, self._order = itertools.count(1), threading.Lock(), random.Random(5)

    @staticmethod
    def name(request: Request) -> str:
        """create, retrieve, list, results, cancel or delete; raises Refused."""
        parts = request.path.removeprefix("/v1/messages/batches").strip("/").split("/")
        known = {
            ("POST", 0, ""): "create", ("GET", 0, ""): "list", ("GET", 1, ""): "retrieve", ("DELETE", 1, ""): "delete",
            ("GET", 2, "results"): "results", ("POST", 2, "cancel"): "cancel",
        }  # fmt: skip
        count = len([part for part in parts if part])
        what = known.get((request.method, count, parts[1] if count == 2 else ""))
        if what is None:
            raise Refused(404, "not_found_error", "no such path")
        return what

    def serve(self, what: str, request: Request, body: dict[str, Any], *, base_url: str) -> Answer:
        """Raises Refused."""
        with self._lock:
            if what == "create":
                check_batch(body)
                return self._json(self._shape(self.add(body["requests"]), base_url))
            if what == "list":
                return self._json(self._page(request.query, base_url))
            batch = self._find(request.path.split("/")[4])
            if what == "retrieve":
                batch.polls += 1
            self._advance(batch)
            if what == "results":
                return self._results(batch)
            if what == "cancel":
                if batch.ended_at is None and batch.canceling_at is None:
                    batch.canceling_at = self._clock.wall()
            elif what == "delete":
                return self._delete(batch)
            return self._json(self._shape(batch, base_url))

    def add(self, requests: list[dict[str, Any]]) -> Batch:
        """A batch as another application in the workspace may make it too."""
        batch = Batch(f"msgbatch_{next(self._ids):04d}", requests, self._clock.wall())
        self.all.append(batch)
        return batch

    def _find(self, key: str) -> Batch:
        for batch in self.all:
            if batch.id == key:
                return batch
        raise Refused(404, "not_found_error", f"no batch {key}")

    def _advance(self, batch: Batch) -> None:
        if batch.ended_at is not None:
            return
        age = self._clock.wall() - batch.created_at
        polled = self.polls_until_end is not None and batch.polls >= self.polls_until_end
        if batch.canceling_at is not None:
            self._end(batch, int(len(batch.requests) * self.done_when_cancelled), "canceled")
        elif age >= min(self.seconds, DAY) or polled:
            self._end(batch, len(batch.requests) if self.seconds < DAY or polled else 0, "expired")

    def _end(self, batch: Batch, done: int, others: str) -> None:
        batch.ended_at = self._clock.wall()
        for place, request in enumerate(batch.requests):
            result = self._work(request) if place < done else {"type": others}
            batch.results.append({"custom_id": request["custom_id"], "result": result})
        self._order.shuffle(batch.results)

    def _work(self, request: dict[str, Any]) -> Result:
        if fate := self.fate(request):
            return fate
        try:
            check_message(request["params"])
        except Refused as refused:
            return errored(refused.kind, str(refused))
        return {"type": "succeeded", "message": self._compose(request["params"], batch=True)}

    def _results(self, batch: Batch) -> Answer:
        if batch.ended_at is None:
            raise invalid("the batch has not ended: there are no results yet")
        if self._clock.wall() > batch.created_at + RESULTS_DAYS * DAY:
            raise Refused(404, "not_found_error", "the results are not available any more")
        lines = "".join(json.dumps(result, ensure_ascii=False) + "\n" for result in batch.results)
        return Answer(200, lines.encode(), content_type="application/binary")

    def _delete(self, batch: Batch) -> Answer:
        if batch.ended_at is None:
            raise invalid("a batch that is in progress cannot be deleted: cancel it first")
        self.all.remove(batch)
        self.deleted.append(batch.id)
        return self._json({"id": batch.id, "type": "message_batch_deleted"})

    def _page(self, query: dict[str, str], base_url: str) -> dict[str, Any]:
        limit = int(query.get("limit", "20"))
        if not 1 <= limit <= 1_000:
            raise invalid("limit: must be from 1 to 1000")
        newest = list(reversed(self.all))
        if after := query.get("after_id"):
            newest = newest[[batch.id for batch in newest].index(after) + 1 :]
        if before := query.get("before_id"):
            newest = newest[: [batch.id for batch in newest].index(before)]
        page = newest[:limit]
        return {
            "data": [self._shape(batch, base_url) for batch in page],
            "has_more": len(newest) > limit,
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }

    def _shape(self, batch: Batch, base_url: str) -> dict[str, Any]:
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        for result in batch.results:
            counts[result["result"]["type"]] += 1
        counts["processing"] = len(batch.requests) - len(batch.results)
        ended, archived = batch.ended_at is not None, batch.created_at + RESULTS_DAYS * DAY
        old = self._clock.wall() > archived
        url = f"{self.results_host or base_url}/v1/messages/batches/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress" if batch.canceling_at is None else "canceling",
            "request_counts": counts,
            "created_at": _stamp(batch.created_at),
            "expires_at": _stamp(batch.created_at + DAY),
            "ended_at": _stamp(batch.ended_at),
            "cancel_initiated_at": _stamp(batch.canceling_at),
            "archived_at": _stamp(archived) if old else None,
            "results_url": url if ended and not old else None,
        }

    def _json(self, value: dict[str, Any]) -> Answer:
        return Answer(200, json.dumps(value, ensure_ascii=False).encode())


def errored(kind: str, message: str = "scripted") -> Result:
    """The result of a request that failed."""
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_error"}
    return {"type": "errored", "error": error}


def _stamp(when: float | None) -> str | None:
    return None if when is None else dt.datetime.fromtimestamp(when, dt.UTC).isoformat().replace("+00:00", "Z")
