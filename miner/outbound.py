"""Requests to addresses that people enter: only to public hosts, resolved once, without redirects.

A host name is resolved by us, every address it has must be public, and the connection goes to the one that was
checked, so that a name which answers differently the second time (rebinding) leads nowhere. The certificate is still
checked against the name. Source: OWASP, Server Side Request Forgery Prevention.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from miner.errors import InvalidArguments

PORTS = frozenset({443, 8443})
TIMEOUT = httpx.Timeout(5.0)
# Addresses that stand for others: what they hold could be private.
_TRANSLATED = (
    ip_network("64:ff9b::/96"),
    ip_network("64:ff9b:1::/48"),
    ip_network("2002::/16"),
    ip_network("2001::/32"),
)


class NotPublic(httpx.TransportError):
    """The address leads into a network that is not public; nothing was sent."""


class UnknownHost(httpx.ConnectError):
    """No address goes by this name."""


def check_url(url: str, *, field: str = "url", local: bool = False) -> str:
    """`url` if it may be entered: https, a host name, a usual port, no login. Raises InvalidArguments.

    `local` (development) also takes http to this machine. Where the name leads is checked at each request.
    """
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError):
        raise InvalidArguments({field: "an address like https://hooks.example.com/x is needed"}) from None
    if local and parsed.scheme == "http" and parsed.host in ("localhost", "127.0.0.1", "::1"):
        return str(parsed)
    if parsed.scheme != "https" or not parsed.host:
        raise InvalidArguments({field: "an address that begins with https:// is needed"})
    if parsed.userinfo:
        raise InvalidArguments({field: "an address must not hold a login"})
    if (parsed.port or 443) not in PORTS:
        raise InvalidArguments({field: f"only the ports {', '.join(map(str, sorted(PORTS)))} are used"})
    return str(parsed)


def client(*, local: bool = False) -> httpx.Client:
    """A client for addresses that `check_url` took. Its requests raise NotPublic, a httpx.TransportError."""
    return httpx.Client(
        transport=PublicTransport(local=local), timeout=TIMEOUT, follow_redirects=False, trust_env=False
    )


class PublicTransport(httpx.BaseTransport):
    """Connects to the address that was checked, under the name that was asked for."""

    def __init__(self, *, local: bool = False, inner: httpx.BaseTransport | None = None) -> None:
        self._inner = inner or httpx.HTTPTransport(retries=0, trust_env=False)
        self._local = local

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        address = resolve_public(host, port, local=self._local)
        asked = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,  # with the Host header of the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return self._inner.handle_request(asked)

    def close(self) -> None:
        self._inner.close()


def resolve_public(host: str, port: int, *, local: bool = False) -> str:
    """One address of `host`, all of which are public; raises NotPublic or UnknownHost."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnknownHost(f"there is no host {host}") from None
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    for address in addresses:
        if not (is_public(address) or (local and ip_address(address).is_loopback)):
            raise NotPublic(f"{host} leads into a network that is not public")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether anybody on the internet has this address; those that stand for others do not count."""
    found: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            found = found.ipv4_mapped
        elif any(found in network for network in _TRANSLATED):
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)
