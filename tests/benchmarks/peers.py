"""Other people's readers of Zendesk, run by an interpreter that has them: `PYTHON peers.py NAME BASE_URL TOKEN PACE`.

Nothing of ours is imported here. Each reads every ticket and its comments, in the way its own manual shows, and prints
one JSON object: {"version", "tickets": {id: status}, "comments": [ids], "error"}. Its waits are shortened by the factor
PACE, as the stand-in's time runs that much faster.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from importlib import import_module, metadata
from types import SimpleNamespace
from typing import Any

Found = dict[str, Any]


def read_with_zenpy(base_url: str, token: str, pace: float, found: Found) -> None:
    """The cursor export of tickets, then the comments of each; a ticket that cannot be opened is passed over."""
    requests, zenpy = import_module("requests"), import_module("zenpy")
    missing = import_module("zenpy.lib.exception").RecordNotFoundException
    import_module("zenpy.lib.api").sleep = lambda seconds: time.sleep(seconds / pace)

    class Elsewhere(requests.adapters.HTTPAdapter):  # type: ignore[misc, name-defined]
        def send(self, request: Any, **options: Any) -> Any:
            there = request.copy()
            there.url = base_url + request.path_url
            answer = super().send(there, **options)
            answer.request, answer.url = request, request.url  # it tells answers apart by the address it asked
            return answer

    session = requests.Session()
    session.mount("https://", Elsewhere())
    client = zenpy.Zenpy(subdomain="acme", oauth_token=token, session=session)
    for ticket in client.tickets.incremental(start_time=1, paginate_by_time=False):
        found["tickets"][str(ticket.id)] = ticket.status
        if ticket.status == "deleted":
            continue
        try:
            found["comments"] += [comment.id for comment in client.tickets.comments(ticket=ticket.id)]
        except missing:
            pass


def read_with_tap(base_url: str, token: str, pace: float, found: Found) -> None:
    """tap-zendesk's streams tickets and ticket_comments, in its own order and at its own rate."""
    streams, http = import_module("tap_zendesk.streams"), import_module("tap_zendesk.http")

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / pace)

    http.sleep, http.async_sleep = (lambda seconds: time.sleep(seconds / pace)), sleep
    streams.time = SimpleNamespace(
        time=lambda: time.monotonic() * pace, sleep=lambda seconds: time.sleep(seconds / pace)
    )
    streams.Tickets.endpoint = f"{base_url}/api/v2/incremental/tickets/cursor.json"
    streams.TicketAudits.endpoint = f"{base_url}/api/v2/tickets/{{1}}/audits.json"
    names = {"tickets": streams.Tickets, "ticket_comments": streams.TicketComments}
    for name, stream in names.items():
        stream.stream = SimpleNamespace(tap_stream_id=name)
    config = {"subdomain": "acme", "access_token": token, "start_date": "2000-01-01T00:00:00Z"}
    state = {"bookmarks": {"tickets": {"generated_timestamp": config["start_date"]}}}
    for stream, row in streams.Tickets(None, config).sync(state):
        if stream.tap_stream_id == "tickets":
            found["tickets"][str(row["id"])] = row["status"]
        else:
            found["comments"].append(row["id"])


PEERS: dict[str, Callable[[str, str, float, Found], None]] = {"zenpy": read_with_zenpy, "tap-zendesk": read_with_tap}


def main(name: str, base_url: str, token: str, pace: str) -> None:
    output, sys.stdout = sys.stdout, sys.stderr
    found: Found = {"version": metadata.version(name), "tickets": {}, "comments": [], "error": None}
    try:
        PEERS[name](base_url, token, float(pace), found)
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"[:200]
    json.dump(found, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
