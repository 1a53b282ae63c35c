"""Controls over HTTP, by hand and from another process: everything below /_ctl, JSON in and out, no credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.standins.zendesk.clock import iso
from tests.standins.zendesk.faults import ACTS
from tests.standins.zendesk.http import Answer, Rejected, Request
from tests.standins.zendesk.model import LIVE, Ticket
from tests.standins.zendesk.oddities import add_oddities
from tests.standins.zendesk.operations import OPERATIONS
from tests.standins.zendesk.truth import ticket_truth

if TYPE_CHECKING:
    from tests.standins.zendesk.standin import StandIn

PREFIX = "/_ctl"
Control = Callable[["StandIn", Request, Any], Any]
CONTROLS: dict[tuple[str, str], Control] = {}


def control(method: str, name: str) -> Callable[[Control], Control]:
    def register(function: Control) -> Control:
        CONTROLS[method, name] = function
        return function

    return register


def answer(standin: StandIn, request: Request) -> Answer:
    """400 with the reason when the order cannot be carried out."""
    name = request.path.removeprefix(PREFIX).strip("/") or "help"
    found = CONTROLS.get((request.method, name))
    if found is None:
        return Answer(404, {"error": f"no control {request.method} {name}", **_help()})
    try:
        with standin.store.lock:
            result = found(standin, request, request.json() if request.method == "POST" else None)
    except Rejected as rejected:
        return rejected.answer
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return Answer(400, {"error": f"{type(error).__name__}: {error}"})
    return Answer(200, result)


def _help() -> dict[str, Any]:
    lines = {
        f"{method} {PREFIX}/{name}": " ".join((one.__doc__ or "").split()) for (method, name), one in CONTROLS.items()
    }
    return {"controls": lines, "acts": sorted(ACTS), "operations": list(OPERATIONS)}


@control("GET", "help")
def _show_help(standin: StandIn, request: Request, data: Any) -> Any:
    """What can be done here."""
    return _help()


@control("GET", "state")
def _state(standin: StandIn, request: Request, data: Any) -> Any:
    """Sizes, clock, limits, switches, and how many requests were answered."""
    store = standin.store
    return {
        "tickets": len(store.tickets), "live": sum(one.state == LIVE for one in store.tickets.values()),
        "comments": sum(len(one.comments) for one in store.tickets.values()), "updates": len(store.audits),
        "users": len(store.users), "organizations": len(store.organizations),
        "now": iso(standin.clock.seconds()), "pace": standin.pace, "skew": standin.clock.skew,
        "limits": standin.limits.as_dict(), "switches": standin.switches.as_dict(), "requests": len(standin.log),
        "by_route": {f"{route} {status}": count for (route, status), count in sorted(standin.log.totals.items())},
        "faults_fired": dict(standin.faults.fired), "faults_pending": [one.do for one in standin.faults.pending],
        "credentials_elsewhere": len(standin.elsewhere.credentials_received),
    }  # fmt: skip


@control("GET", "log")
def _log(standin: StandIn, request: Request, data: Any) -> Any:
    """Requests after number `since` (0), at most `limit` (1000), of `route` if given."""
    since, limit = int(request.query.get("since", "0")), int(request.query.get("limit", "1000"))
    found = [one.as_dict() for one in standin.log.of(request.query.get("route")) if one.number > since]
    return {"entries": found[:limit]}


@control("GET", "truth")
def _truth(standin: StandIn, request: Request, data: Any) -> Any:
    """What a perfect mirror holds, by ticket id; `brands=41,42`, `after` and `limit` narrow it."""
    brands = {int(one) for one in request.query.get("brands", "").split(",") if one}
    after, limit = int(request.query.get("after", "0")), int(request.query.get("limit", "1000"))
    rows = [
        one for one in standin.store.tickets.values() if one.id > after and (not brands or one.shown_brand in brands)
    ]
    rows.sort(key=lambda one: one.id)
    return {"tickets": {str(one.id): ticket_truth(one) for one in rows[:limit]}, "more": len(rows) > limit}


@control("POST", "seed")
def _seed(standin: StandIn, request: Request, data: Any) -> Any:
    """{"tickets": 25000, "seed": 1, "days": 90}: forget the account and invent another."""
    standin.seed(**data)
    return {"tickets": len(standin.store.tickets)}


@control("POST", "oddities")
def _oddities(standin: StandIn, request: Request, data: Any) -> Any:
    """Add the rows that turn up in the wild; {"many_comments": 5000} for the largest ticket there can be."""
    return add_oddities(standin.ops, **(data or {}))


@control("POST", "ops")
def _ops(standin: StandIn, request: Request, data: Any) -> Any:
    """{"op": "comment", "ticket": 7, "text": "..."} or a list of them; "pick" takes the n-th live ticket."""
    done = []
    for one in data if isinstance(data, list) else [data]:
        result = standin.ops.perform(one)
        done.append({"ticket": result.id} if isinstance(result, Ticket) else {"op": one["op"]})
    return {"done": done}


@control("POST", "faults")
def _faults(standin: StandIn, request: Request, data: Any) -> Any:
    """{"do": "429_long", "on": "comments", "skip": 2, "times": 1} or a list of them; {"clear": true} ends all."""
    rules = data if isinstance(data, list) else [data]
    for one in rules:
        if one.get("clear"):
            standin.faults.clear()
        else:
            standin.faults.add(**one)
    return {"pending": [one.do for one in standin.faults.pending]}


@control("POST", "clock")
def _clock(standin: StandIn, request: Request, data: Any) -> Any:
    """{"advance": 61}, {"skew": 600}, {"speed": 1} and {"pace": 5} (seconds a request), alone or together."""
    if "speed" in data:
        standin.clock.run(float(data["speed"]))
    if "skew" in data:
        standin.clock.skew = float(data["skew"])
    if "pace" in data:
        standin.pace = float(data["pace"])
    standin.clock.advance(float(data.get("advance", 0)))
    return {"now": standin.clock.now(), "iso": iso(standin.clock.seconds())}


@control("POST", "limits")
def _limits(standin: StandIn, request: Request, data: Any) -> Any:
    """{"account": 700, "export": 10} enforces, {"off": true} does not; also "other_tools" and "per_endpoint"."""
    given = dict(data)
    off = given.pop("off", False)
    standin.limits.other_tools = float(given.pop("other_tools", standin.limits.other_tools))
    standin.limits.per_endpoint = bool(given.pop("per_endpoint", standin.limits.per_endpoint))
    if given:
        standin.limits.set(**given)
    if off:
        standin.limits.off()
    return standin.limits.as_dict()


@control("POST", "switches")
def _switches(standin: StandIn, request: Request, data: Any) -> Any:
    """Change what is not known or differs between accounts; see switches.py."""
    standin.switches.change(**data)
    return standin.switches.as_dict()


@control("POST", "oauth")
def _oauth(standin: StandIn, request: Request, data: Any) -> Any:
    """{"revoke": true}, {"default_life": 300}, {"api_tokens": false}, {"secret": null} (the client is gone)."""
    if data.get("revoke"):
        standin.oauth.revoke_all()
    for name in ("default_life", "api_tokens", "secret", "bearer"):
        if name in data:
            setattr(standin.oauth, name, data[name])
    return {"issued": standin.oauth.issued}


@control("POST", "schedule")
def _schedule(standin: StandIn, request: Request, data: Any) -> Any:
    """{"seed": 7}: start over with that fault schedule, which is returned; or a whole schedule."""
    return standin.load(int(data["seed"]) if set(data) == {"seed"} else data)


@control("POST", "quiet")
def _quiet(standin: StandIn, request: Request, data: Any) -> Any:
    """Nothing fails any more, and the exports have caught up."""
    standin.quiet()
    return {"now": iso(standin.clock.seconds())}


@control("POST", "drop")
def _drop(standin: StandIn, request: Request, data: Any) -> Any:
    """Close all kept-alive connections, this one too."""
    standin.drop_connections()
    return {}


@control("POST", "reset")
def _reset(standin: StandIn, request: Request, data: Any) -> Any:
    """Forget the log and the faults and what was counted; the account stays."""
    standin.log.clear()
    standin.elsewhere.log.clear()
    standin.faults.clear()
    standin.faults.fired.clear()
    standin.limits.forget()
    return {}
