"""The fault script: rules that say which request something happens to, and what.

A rule as data: {"do": "429_long", "on": "comments", "skip": 2, "times": 1}. `do` is a name in `ACTS` (acts_*.py); every
key that is not a field of `Rule` is an argument of the act.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from tests.standins.zendesk.http import Answer, Request

if TYPE_CHECKING:
    from tests.standins.zendesk.standin import StandIn

EXPORTS = ("tickets_cursor", "tickets_time", "ticket_events", "organizations_time", "users_time")


@dataclass(slots=True)
class Rule:
    """`on`: a route's name, `exports`, `*`, or a path. The first `skip` matching requests pass, then every `every`-th
    is hit, `times` times in all (None: always). `per_page_over` and `ticket` narrow it further."""

    do: str
    on: str = "*"
    skip: int = 0
    times: int | None = 1
    every: int = 1
    per_page_over: int | None = None
    ticket: int | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    fired: int = 0

    def matches(self, request: Request, route: str) -> bool:
        if self.on not in ("*", route, request.path) and not (self.on == "exports" and route in EXPORTS):
            return False
        if self.per_page_over is not None and int(request.query.get("per_page", "1000")) <= self.per_page_over:
            return False
        return self.ticket is None or f"/tickets/{self.ticket}/" in request.path.replace(".json", "") + "/"

    def strikes(self) -> bool:
        """Count a matching request; whether this one is hit."""
        self.seen += 1
        due = self.seen > self.skip and (self.seen - self.skip - 1) % self.every == 0
        if not due or self.spent:
            return False
        self.fired += 1
        return True

    @property
    def spent(self) -> bool:
        return self.times is not None and self.fired >= self.times


@dataclass(slots=True)
class Scene:
    """What an act may look at. `true` computes the answer Zendesk would have given."""

    standin: StandIn
    request: Request
    route: str
    rule: Rule
    true: Callable[[], Answer]

    def given(self, name: str, default: Any) -> Any:
        return self.rule.arguments.get(name, default)


@dataclass(frozen=True, slots=True)
class Act:
    """`side`: it changes the account, not the answer, so another rule may hit the same request."""

    play: Callable[[Scene], Answer | None]
    side: bool = False


ACTS: dict[str, Act] = {}


def act(name: str, *, side: bool = False) -> Callable[[Callable[[Scene], Any]], Callable[[Scene], Any]]:
    def register(play: Callable[[Scene], Any]) -> Callable[[Scene], Any]:
        ACTS[name] = Act(play, side)
        return play

    return register


class Faults:
    """The script of one stand-in. `fired` counts what happened, by act."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self.fired: Counter[str] = Counter()

    def add(self, do: str, on: str = "*", **rest: Any) -> Rule:
        """Append one rule; raises ValueError for an unknown act."""
        if do not in ACTS:
            raise ValueError(f"no act {do!r}: there are {', '.join(sorted(ACTS))}")
        known = {one.name for one in fields(Rule)}
        own = {key: value for key, value in rest.items() if key in known}
        arguments = {key: value for key, value in rest.items() if key not in known}
        rule = Rule(do, on, **own, arguments=arguments) if "arguments" not in own else Rule(do, on, **own)
        with self._lock:
            self._rules.append(rule)
        return rule

    def script(self, rules: Iterable[Mapping[str, Any]]) -> None:
        for one in rules:
            self.add(**one)

    def clear(self) -> None:
        """From here on everything works."""
        with self._lock:
            self._rules.clear()

    @property
    def pending(self) -> list[Rule]:
        """Rules that have not done all they were to do."""
        with self._lock:
            return [one for one in self._rules if not one.spent]

    def strike(self, request: Request, route: str) -> list[Rule]:
        """The rules that hit this request: any number of side acts, and at most one that changes the answer."""
        if not self._rules:
            return []
        found: list[Rule] = []
        with self._lock:
            for rule in self._rules:
                side = ACTS[rule.do].side
                taken = not side and any(not ACTS[one.do].side for one in found)
                if not taken and rule.matches(request, route) and rule.strikes():
                    self.fired[rule.do] += 1
                    found.append(rule)
        return found
