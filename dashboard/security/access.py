"""Who may come in at all: what the environment says about hosts, cookies and the open door of development."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from miner import db, users
from miner.config import Config
from miner.errors import ConfigError
from miner.login import Doors
from miner.sealing import Sealer

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Access:
    """The front door, decided once when the application is built.

    `open_locally`: development, and HOST says loopback; whoever sits at this machine acts as the local user, an admin.
    `hosts`: the names this site answers to. `public_origin`: what browsers send as Origin, when PUBLIC_URL is set.

    What is bound is judged by HOST, since the socket belongs to the server. With HOST unset and a server bound to every
    interface by its own command line there need be no token: strangers then only see a login, because the peer of each
    request is looked at too (`identity.is_local`), and the log names the remedy (`find_wrong_bind`).
    """

    production: bool
    open_locally: bool
    hosts: frozenset[str]
    public_origin: str | None = None
    proxy_hops: int = 0
    doors: Doors = field(default_factory=lambda: Doors(Sealer(()), second_factor=True))

    @classmethod
    def from_config(cls, config: Config, *, more_hosts: tuple[str, ...] = ()) -> Access:
        """Raises ConfigError where people could reach the dashboard and nobody could log in."""
        origin = _origin(config.public_url)
        bound = {config.host.lower()} - {"0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound
        access = cls(
            production=config.production,
            open_locally=not config.production and config.host in LOOPBACK,
            hosts=LOOPBACK | bound | set(more_hosts) | ({host_of(urlsplit(origin).netloc)} if origin else set()),
            public_origin=origin,
            proxy_hops=config.proxy_hops,
            doors=Doors(Sealer(config.secret_keys), config.second_factor),
        )
        if not access.open_locally:
            _require_a_login("ENVIRONMENT is production" if config.production else f"HOST is {config.host}")
        return access

    @property
    def cookie(self) -> str:
        """The session cookie's name; the prefix makes browsers insist on Secure, Path=/ and no Domain."""
        return "__Host-sid" if self.https else "sid"

    @property
    def https(self) -> bool:
        """Whether people come over TLS: cookies are Secure, and browsers are told to stay there."""
        return self.production or self._public_https

    def own_origins(self, host: str) -> frozenset[str]:
        """What browsers send as Origin for a page of ours under this Host header.

        With an https PUBLIC_URL that one alone, and in development the names of this machine: the same host over plain
        http is whoever sits on the line.
        """
        public = {self.public_origin} if self.public_origin else set()
        if self._public_https and (self.production or host_of(host) not in LOOPBACK):
            return frozenset(public)
        return frozenset({f"http://{host}", f"https://{host}"} | public)

    def find_wrong_bind(self, scope: Mapping[str, Any]) -> str | None:
        """The address a request arrived on when HOST says that only this machine is served, and it is another one."""
        address, port = scope.get("server") or (None, None)
        if not self.open_locally or port is None:  # None: a Unix socket
            return None
        return None if is_loopback(str(address)) else str(address)

    @property
    def _public_https(self) -> bool:
        return bool(self.public_origin and self.public_origin.startswith("https:"))


_NETLOC = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?", re.I)


def host_of(netloc: str) -> str:
    """The host of `host`, `host:port`, `[::1]` or `[::1]:port`, in lower case; "" for what does not read like one.

    So `localhost:80@evil.example`, of which links would lead elsewhere, names no host of ours.
    """
    match = _NETLOC.fullmatch(netloc)
    return (match[1] or match[2]).lower() if match else ""


def is_loopback(host: str) -> bool:
    """Whether a name or address of a socket is this machine's own; `::ffff:127.0.0.1` is how both families see it."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.lower() in LOOPBACK
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _origin(public_url: str | None) -> str | None:
    if public_url is None:
        return None
    parts = urlsplit(public_url)
    if parts.scheme not in ("http", "https") or not host_of(parts.netloc):
        raise ConfigError(f"PUBLIC_URL is {public_url!r}: an address like https://issues.example.com is needed")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _require_a_login(because: str) -> None:
    try:
        with db.transaction() as session:
            if users.admin_can_log_in(session):
                return
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", error)).strip().splitlines()
        raise ConfigError(
            f"{because}, so the dashboard needs its database to start, and it cannot be read "
            f"({cause[0] if cause else 'no reason given'}): check DATABASE_URL and run `miner db upgrade`"
        ) from None
    raise ConfigError(
        f"{because}, and nobody could log in: create an admin first with `miner users create EMAIL --role admin`, "
        "or a token for programs with `miner tokens create --role admin NAME`"
    )
