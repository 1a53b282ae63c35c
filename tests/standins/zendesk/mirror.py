"""The simplest mirror that is right: it proves that a schedule can be survived, and says what a mirror must do.

It asks again after every failure, believes nothing it has not checked, starts over when a cursor is refused, and reads
the whole conversation of every ticket that comes by. It is slow on purpose.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

from tests.standins.zendesk.standin import StandIn

PATIENCE = 500  # failures in one walk before it is an error


class Failed(Exception):
    """The answer is no use. `body` says why a request was refused: not every 400 is about the same parameter."""

    def __init__(self, status: int, body: str = "") -> None:
        super().__init__(f"status {status}")
        self.status, self.body = status, body


class Mirror:
    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._cursor: str | None = None
        self._scope = True
        self.tickets: dict[int, dict[str, Any]] = {}
        self.failures = 0

    def walk(self) -> None:
        """Read the export to its end from where the last walk stopped."""
        failures = 0
        while True:
            try:
                if self._page():
                    return
            except Failed as failed:
                failures += 1
                if failed.status == 400 and "support_type_scope" in failed.body:
                    self._scope = False
                elif failed.status == 400 and "cursor" in failed.body:
                    self._cursor = None
                if failures > PATIENCE:
                    raise
        self.failures += failures

    def _page(self) -> bool:
        query: dict[str, Any] = {"cursor": self._cursor} if self._cursor else {"start_time": 0}
        if self._scope:
            query["support_type_scope"] = "all"
        data = self._get("/api/v2/incremental/tickets/cursor.json", query)
        rows, end, after = data.get("tickets"), data.get("end_of_stream"), data.get("after_cursor")
        if not isinstance(rows, list) or not isinstance(end, bool):
            raise Failed(0)
        if not end and (after is None or after == self._cursor):
            raise Failed(0)
        for row in rows:
            self._keep(row)
        self._cursor = after or self._cursor
        return end

    def _keep(self, row: dict[str, Any]) -> None:
        known = self.tickets.get(row["id"])
        if known is not None and known["generated_timestamp"] > row["generated_timestamp"]:
            return
        found = None if row["status"] == "deleted" else self._comments(row["id"])
        self.tickets[row["id"]] = {
            "generated_timestamp": row["generated_timestamp"],
            "deleted": row["status"] == "deleted",
            "subject": row["subject"] if found is not None else None,
            "tags": row.get("tags", []) if found is not None else [],
            "comments": [(one["id"], one["public"], one["body"]) for one in found or []],
        }

    def _comments(self, ticket: int) -> list[dict[str, Any]] | None:
        """None: it cannot be opened any more; a later row of the export will say why."""
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            query = {"page[size]": 100} | ({"page[after]": after} if after else {})
            try:
                data = self._get(f"/api/v2/tickets/{ticket}/comments.json", query)
            except Failed as failed:
                if failed.status == 404:
                    return None
                raise
            rows, meta = data.get("comments"), data.get("meta")
            if not isinstance(rows, list) or not isinstance(meta, dict):
                raise Failed(0)
            found += rows
            if not meta["has_more"]:
                return found
            if meta["after_cursor"] in (None, after):
                raise Failed(0)
            after = meta["after_cursor"]

    def _get(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._standin.base_url}{path}?{urlencode(query)}",
            headers={"Authorization": f"Bearer {self._standin.bearer}", "Connection": "close"},
        )
        try:
            with _OPENER.open(request, timeout=20) as answer:
                data = json.loads(answer.read())
                status = answer.status
        except urllib.error.HTTPError as error:
            with error:
                raise Failed(error.code, error.read().decode(errors="replace")) from None
        except (OSError, HTTPException, ValueError):
            raise Failed(0) from None
        if status != 200 or not isinstance(data, dict):
            raise Failed(0)
        return data


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_StayHere)


def expected(standin: StandIn) -> dict[int, dict[str, Any]]:
    """The truth, as far as this mirror keeps it."""
    return {
        number: {
            "generated_timestamp": one["generated_timestamp"],
            "deleted": one["deleted"],
            "subject": one["subject"],
            "tags": [] if one["deleted"] else one["tags"],
            "comments": [(comment["id"], comment["public"], comment["body"]) for comment in one["comments"]],
        }
        for number, one in standin.truth.items()
    }
