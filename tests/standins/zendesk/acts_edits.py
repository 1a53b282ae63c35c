"""Acts that change a true answer: pages that lie, repeat, stand still or point elsewhere.

An act that does not fit the answer leaves it as it is.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.standins.zendesk.faults import Scene, act
from tests.standins.zendesk.http import Answer
from tests.standins.zendesk.model import Ticket
from tests.standins.zendesk.paging import decode_cursor, encode_cursor

ROWS = ("tickets", "ticket_events", "comments", "audits", "events", "users", "organizations")
Edit = Callable[[Scene, dict[str, Any], str], None]


def edit(name: str) -> Callable[[Edit], Edit]:
    """An act on the JSON of a page; `change` gets the scene, the data and the name of its rows."""

    def register(change: Edit) -> Edit:
        def play(scene: Scene) -> Answer:
            answer = scene.true()
            rows = next((key for key in ROWS if isinstance(answer.data, dict) and key in answer.data), None)
            if answer.status == 200 and rows is not None:
                change(scene, answer.data, rows)
            return answer

        act(name)(play)
        return change

    return register


@edit("no_rows_key")
def _no_rows(scene: Scene, data: dict[str, Any], rows: str) -> None:
    """Valid JSON that lacks the list itself."""
    del data[rows]


@edit("null_rows")
def _null_rows(scene: Scene, data: dict[str, Any], rows: str) -> None:
    data[rows] = None


@edit("no_end")
def _no_end(scene: Scene, data: dict[str, Any], rows: str) -> None:
    """Valid JSON that does not say whether it is the end."""
    data.pop("end_of_stream", None)
    data.pop("meta", None)


@edit("same_cursor")
def _same_cursor(scene: Scene, data: dict[str, Any], rows: str) -> None:
    """More is promised, and the cursor is the one that was asked with."""
    _stand_still(scene, data, scene.request.query.get("cursor"), scene.request.query.get("page[after]"))


@edit("null_cursor")
def _null_cursor(scene: Scene, data: dict[str, Any], rows: str) -> None:
    """More is promised, and there is no cursor."""
    _stand_still(scene, data, None, None)


def _stand_still(scene: Scene, data: dict[str, Any], cursor: str | None, after: str | None) -> None:
    if "after_cursor" in data:
        data |= {"end_of_stream": False, "after_cursor": cursor, "after_url": None}
    elif "end_time" in data:
        data |= {"end_of_stream": False, "end_time": int(scene.request.query["start_time"])}
    elif "meta" in data:
        data["meta"] |= {"has_more": True, "after_cursor": after}


@edit("empty_page")
def _empty_page(scene: Scene, data: dict[str, Any], rows: str) -> None:
    """No rows, not the end, and a new cursor for the same place."""
    query = scene.request.query
    mark = f"e{scene.rule.fired}.{scene.rule.seen}"
    if "after_cursor" in data:
        place = decode_cursor(query["cursor"]) if "cursor" in query else (int(query["start_time"]) - 1, 2**62)
        data |= {rows: [], "end_of_stream": False, "after_cursor": encode_cursor(*place, mark), "after_url": None}
    elif "meta" in data:
        given = base64.b64decode(query.get("page[after]", "b3ww")).decode().split("|")[1]
        again = base64.b64encode(f"o|{'0' * scene.rule.fired}{given}".encode()).decode()
        data |= {rows: [], "meta": {"has_more": True, "after_cursor": again, "before_cursor": None}}


@edit("repeat_rows")
def _repeat_rows(scene: Scene, data: dict[str, Any], rows: str) -> None:
    """The last `rows` (3) rows of the page before come once more."""
    cursor = scene.request.query.get("cursor")
    if rows != "tickets" or cursor is None:
        return
    store, place = scene.standin.store, decode_cursor(cursor)
    before = [number for version, number in store.by_version if (version, number) <= place]
    again = [store.tickets[number] for number in before[-int(scene.given("rows", 3)) :]]
    data["tickets"] = [_as_exported(scene, one) for one in again] + data["tickets"]


@edit("shuffle")
def _shuffle(scene: Scene, data: dict[str, Any], rows: str) -> None:
    """The rows of the page are out of order."""
    random.Random(scene.rule.fired).shuffle(data[rows])


@edit("twice")
def _twice(scene: Scene, data: dict[str, Any], rows: str) -> None:
    """Every row of the page comes twice."""
    data[rows] = [one for one in data[rows] for _ in range(2)]


@edit("foreign_url")
def _foreign_url(scene: Scene, data: dict[str, Any], rows: str) -> None:
    """after_url, next_page and links.next lead to another host (`to`)."""
    to = scene.given("to", scene.standin.elsewhere.base_url)
    for holder, key in ((data, "after_url"), (data, "next_page"), (data.get("links") or {}, "next")):
        if holder.get(key):
            parts = urlsplit(holder[key])
            holder[key] = f"{to}{parts.path}?{parts.query}"


def _as_exported(scene: Scene, ticket: Ticket) -> dict[str, Any]:
    return scene.standin.account.shapes.ticket(ticket, exported=True)
