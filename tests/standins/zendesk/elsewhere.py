"""Another host: whoever follows a link to it is seen, with the headers it sent."""

from __future__ import annotations

from tests.standins.zendesk.http import Answer, Request
from tests.standins.zendesk.log import Entry, Log
from tests.standins.zendesk.wire import Listener

PLAUSIBLE = {
    "tickets": [], "ticket_events": [], "comments": [], "end_of_stream": True, "after_cursor": None, "end_time": 0,
    "meta": {"has_more": False, "after_cursor": None}, "links": {"next": None},
}  # fmt: skip


class Elsewhere:
    """Answers everything with an empty page that says it is the end. `log` must stay empty of credentials."""

    def __init__(self) -> None:
        self.log = Log()
        self._listener = Listener(self._handle)
        self.base_url = f"http://localhost:{self._listener.port}"

    def close(self) -> None:
        self._listener.close()

    @property
    def credentials_received(self) -> list[str]:
        """Authorization headers that reached this host."""
        return [one.headers["authorization"] for one in self.log if "authorization" in one.headers]

    def _handle(self, request: Request) -> Answer:
        entry = Entry(0, 0.0, "elsewhere", request.method, request.path, dict(request.query), request.headers, 200)
        self.log.add(entry)
        self.log.finish(entry)
        return Answer(200, PLAUSIBLE)
