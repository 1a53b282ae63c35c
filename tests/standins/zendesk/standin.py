"""The stand-in as one object: start it, ask it, move its clock, break it, and compare with its truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

from tests.standins.zendesk import acts_answers, acts_edits, acts_wire, control, gate, oauth
from tests.standins.zendesk.account import Account
from tests.standins.zendesk.clock import Clock
from tests.standins.zendesk.elsewhere import Elsewhere
from tests.standins.zendesk.faults import ACTS, Faults, Rule, Scene
from tests.standins.zendesk.generate import fill
from tests.standins.zendesk.http import Answer, Request
from tests.standins.zendesk.limits import Limits
from tests.standins.zendesk.log import Entry, Log
from tests.standins.zendesk.oauth import OAuth
from tests.standins.zendesk.oddities import add_oddities
from tests.standins.zendesk.operations import Operations
from tests.standins.zendesk.schedules import schedule
from tests.standins.zendesk.store import Store
from tests.standins.zendesk.switches import Switches
from tests.standins.zendesk.truth import truth
from tests.standins.zendesk.wire import Listener

ACT_FILES = (acts_answers, acts_edits, acts_wire)  # importing them fills ACTS


class StandIn:
    """A running server on 127.0.0.1.

    The clock is frozen at `start` (Unix seconds; None: now) and moves by `pace` seconds with every request. Limits are
    counted, and enforced from `limits.set(...)` on. `elsewhere` is another host that must never see credentials.
    """

    client_id, client_secret = oauth.CLIENT_ID, oauth.CLIENT_SECRET
    email, api_token, bearer = oauth.EMAIL, oauth.API_TOKEN, oauth.BEARER

    def __init__(
        self, *, tickets: int = 40, seed: int = 1, days: int = 90, start: float | None = None, port: int = 0
    ) -> None:
        self.clock = Clock(start)
        self.switches = Switches()
        self.limits = Limits(self.clock)
        self.oauth = OAuth(self.clock)
        self.faults = Faults()
        self.log = Log()
        self.pace = 0.0
        self.store = Store()
        self.seed(tickets=tickets, seed=seed, days=days)
        self.elsewhere = Elsewhere()
        self._listener = Listener(self.handle, port=port, gzip=lambda: self.switches.gzip)
        self.base_url = f"http://127.0.0.1:{self._listener.port}"
        self.account = Account(self.store, self.clock, self.switches, self.oauth, self.base_url)
        self.ops = Operations(self.account)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._listener.close()
        self.elsewhere.close()

    def drop_connections(self) -> None:
        """Close all kept-alive connections."""
        self._listener.drop_connections()

    @property
    def truth(self) -> dict[int, dict[str, Any]]:
        """What a perfect mirror of all brands holds now, by ticket id; see `truth.truth`."""
        return truth(self.store)

    def truth_of(self, brands: Collection[int]) -> dict[int, dict[str, Any]]:
        return truth(self.store, brands=brands)

    def seed(self, *, tickets: int, seed: int = 1, days: int = 90) -> None:
        """Forget the account and invent another."""
        with self.store.lock:
            self.store.clear()
            fill(self.store, tickets=tickets, seed=seed, now=self.clock.seconds(), days=days)

    def load(self, plan: int | Mapping[str, Any]) -> dict[str, Any]:
        """Start over with a schedule, or the one of that number (schedules.py); the schedule is returned."""
        given = schedule(plan) if isinstance(plan, int) else dict(plan)
        self.faults.clear()
        self.seed(tickets=given["tickets"], seed=given["seed"])
        self.switches.change(**given.get("switches", {}))
        if given.get("oddities"):
            add_oddities(self.ops, many_comments=12)
            self.settle()
        self.pace = float(given.get("pace", 0))
        self.faults.script(given.get("faults", []))
        return given

    def quiet(self) -> None:
        """Nothing fails and nothing happens any more, and the exports have caught up."""
        self.faults.clear()
        self.clock.skew = 0.0
        self.pace = 0.0
        self.switches.index_lag = 0
        self.settle()

    def settle(self) -> None:
        """Advance far enough that the exports show everything that has happened."""
        self.clock.advance(self.switches.export_delay + self.switches.index_lag + 1)

    def handle(self, request: Request) -> Answer:
        """Answer one request; everything it does happens under the store's lock."""
        if request.path.startswith(control.PREFIX):
            return control.answer(self, request)
        route, place = gate.locate(request)
        if self.pace:
            self.clock.advance(self.pace)
        entry = Entry(
            0, self.clock.now(), route, request.method, request.path, dict(request.query), dict(request.headers)
        )
        self.log.add(entry)
        rules = self.faults.strike(request, route)
        with self.store.lock:
            answer = self._play(rules, request, route, place)
        answer.headers = {"Date": self.clock.http_date(), "Server": "standin"} | answer.headers
        entry.status = 0 if answer.delivery.reset_before else answer.status
        entry.fault = ",".join(one.do for one in rules) or None
        self.log.finish(entry)
        return answer

    def _play(self, rules: list[Rule], request: Request, route: str, place: gate.Place) -> Answer:
        """The side acts first, then the one that changes the answer, if any."""
        result: Answer | None = None

        def true() -> Answer:
            return gate.answer(self.account, self.limits, request, place)

        for rule in sorted(rules, key=lambda one: not ACTS[one.do].side):
            result = ACTS[rule.do].play(Scene(self, request, route, rule, true))
        return true() if result is None else result
