"""Acts on the connection, the credentials, the clock and the account."""

from __future__ import annotations

from collections.abc import Callable

from tests.standins.zendesk.faults import Scene, act
from tests.standins.zendesk.http import Answer, Delivery

FOREVER = 86_400.0  # seconds of real time; closing the stand-in ends it


def delivery(name: str) -> Callable[[Callable[[Scene], Delivery]], Callable[[Scene], Delivery]]:
    """An act that sends the true answer badly."""

    def register(plan: Callable[[Scene], Delivery]) -> Callable[[Scene], Delivery]:
        def play(scene: Scene) -> Answer:
            answer = scene.true()
            answer.delivery = plan(scene)
            return answer

        act(name)(play)
        return plan

    return register


@delivery("reset")
def _reset(scene: Scene) -> Delivery:
    """The connection is reset before the first byte."""
    return Delivery(reset_before=True)


@delivery("cut")
def _cut(scene: Scene) -> Delivery:
    """`at` (0.5) of the body, then a reset: Content-Length promised more."""
    return Delivery(cut_at=float(scene.given("at", 0.5)))


@delivery("truncated_json")
def _truncated(scene: Scene) -> Delivery:
    """The JSON ends at `at` (0.5) of itself, and the HTTP around it is in order."""
    return Delivery(truncate_at=float(scene.given("at", 0.5)))


@delivery("broken_gzip")
def _gzip(scene: Scene) -> Delivery:
    return Delivery(broken_gzip=True)


@delivery("stall")
def _stall(scene: Scene) -> Delivery:
    """`seconds` (0.05) of real silence, then the answer."""
    return Delivery(stall=float(scene.given("seconds", 0.05)))


@delivery("hang")
def _hang(scene: Scene) -> Delivery:
    """No answer until the stand-in is closed."""
    return Delivery(stall=FOREVER)


@delivery("drip")
def _drip(scene: Scene) -> Delivery:
    """The body trickles over `seconds` (0.2) of real time."""
    return Delivery(drip=float(scene.given("seconds", 0.2)))


@act("revoke_tokens", side=True)
def _revoke(scene: Scene) -> None:
    """Every OAuth token stops working with this request; new ones can be had."""
    scene.standin.oauth.revoke_all()


@act("operate", side=True)
def _operate(scene: Scene) -> None:
    """`operations` happen before the answer is computed."""
    for one in scene.given("operations", []):
        scene.standin.ops.perform(one)


@act("operate_after")
def _operate_after(scene: Scene) -> Answer:
    """`operations` happen after the answer was computed: the row the client reads is old already."""
    answer = scene.true()
    for one in scene.given("operations", []):
        scene.standin.ops.perform(one)
    return answer


@act("advance", side=True)
def _advance(scene: Scene) -> None:
    """The clock moves on by `seconds` (60)."""
    scene.standin.clock.advance(float(scene.given("seconds", 60)))


@act("skew", side=True)
def _skew(scene: Scene) -> None:
    """The Date header is off by `seconds` (600) from here on."""
    scene.standin.clock.skew = float(scene.given("seconds", 600))


@act("switch", side=True)
def _switch(scene: Scene) -> None:
    """Switches change in the middle of everything; the arguments are their names."""
    scene.standin.switches.change(**scene.rule.arguments)
