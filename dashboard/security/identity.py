"""Who is looking, and may they: asked once in each request, before its handler runs."""

from __future__ import annotations

from ipaddress import ip_address

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.security.access import LOOPBACK, Access, host_of
from miner import sessions, tokens
from miner.access import LOCAL, Actor, Identity, Role
from miner.errors import MinerError, Refused

# Whoever sends one of these, or any x-forwarded-*, passes something on for somebody else.
_PASSED_ON = frozenset(
    {"via", "forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "fly-client-ip"}
)


class LoginNeeded(MinerError):
    """Nobody is logged in; HTTP 401, and people are sent to the login page."""


def authorize(request: Request, session: Session, role: Role | None, *, touch: bool) -> Actor | None:
    """The actor of the request, also left in `request.state.actor`; raises LoginNeeded or Refused.

    `role` is what the route needs (None: anybody, also nobody); `touch`: a person did this, so the session stays alive.
    """
    actor = identify(request, session, touch=touch)
    request.state.actor = actor
    if role is None:
        return actor
    if actor is None:
        raise LoginNeeded("log in first")
    if actor.role < role:
        raise Refused(f"this needs the role {role.name}; you are {actor.role.name}")
    return actor


def identify(request: Request, session: Session, *, touch: bool) -> Actor | None:
    """Who sends this request: a bearer token, else a session cookie, else the local user where the door is open."""
    access: Access = request.app.state.access
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _actor(request, tokens.verify_token(session, bearer.strip()))  # a wrong one falls back to nothing
    cookie = request.cookies.get(access.cookie)
    if cookie:
        found = sessions.find_session(session, cookie, touch=touch)
        if found is not None:
            return _actor(request, found)
    return local_actor(request) if access.open_locally and is_local(request) else None


def remember_local(request: Request) -> None:
    """Leave the local user in `request.state` where no handler has looked yet; asks no database."""
    app = request.scope.get("app")
    if app is not None and getattr(request.state, "actor", None) is None:
        open_locally = app.state.access.open_locally and is_local(request)
        request.state.actor = local_actor(request) if open_locally else None


def local_actor(request: Request) -> Actor:
    return Actor(LOCAL.kind, LOCAL.name, LOCAL.role, address_of(request), request_id_of(request))


def is_local(request: Request) -> bool:
    """Whether it comes from this machine, under this machine's own name, and straight from a program here.

    The peer is looked at as well as the configuration: a server bound to every interface by its own command line, or
    standing behind a proxy, must not take strangers for the local user. A proxy on this machine looks like a local
    program, so any header by which proxies name themselves or their client counts, and so does HTTP/1.0: no browser
    speaks it, while nginx without further settings does, sends its upstream's name as Host and adds no header.
    """
    host = host_of(request.headers.get("host", ""))
    return _peer(request) in LOOPBACK and host in LOOPBACK and not _is_passed_on(request)


def _is_passed_on(request: Request) -> bool:
    named = any(name in _PASSED_ON or name.startswith("x-forwarded-") for name in request.headers)
    return named or request.scope.get("http_version") == "1.0"


def address_of(request: Request) -> str | None:
    """Who asks: the peer or, behind `proxy_hops` proxies of ours, the entry that the outermost of them wrote.

    Counted from the right of X-Forwarded-For, since everything further left is the client's own claim. A request that
    did not come through as many proxies, or whose entry is no address, is known by its peer.
    """
    access: Access = request.app.state.access
    if access.proxy_hops:
        named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        if len(named) >= access.proxy_hops and (found := _address(named[-access.proxy_hops])):
            return found
    return _peer(request)


def _address(entry: str) -> str | None:
    """The address in an entry; some proxies add the port, which differs with every connection."""
    for text in (entry.strip(), host_of(entry.strip())):
        try:
            return str(ip_address(text))
        except ValueError:
            continue
    return None


def _peer(request: Request) -> str | None:
    return request.client.host if request.client else None


def request_id_of(request: Request) -> str:
    return str(request.scope.get("request_id", ""))


def _actor(request: Request, who: Identity | None) -> Actor | None:
    if who is None:
        return None
    return Actor(who.kind, who.name, who.role, address_of(request), request_id_of(request), who.user_id, who.token_id)
