"""Config: what the environment decides, read once and frozen. What operators edit on a page is Settings.

`VARIABLES` is the one list of every variable: the reader, `docs/configuration.md` and a test all come from it, and no
other module looks at the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from miner.errors import ConfigError, NoDatabase


@dataclass(frozen=True)
class Variable:
    """One environment variable: its name, default (None: absent), sentence, and whether it is a secret."""

    name: str
    default: str | None
    sentence: str
    secret: bool = False


VARIABLES = (
    Variable("DATABASE_URL", None, "The Postgres to use; absent: an embedded server under MINER_HOME.", secret=True),
    Variable("MINER_HOME", ".miner", "Where the embedded server and local state live; made absolute at start."),
    Variable("BROKER_URL", None, "The message broker, redis:// or amqp://; absent: Postgres itself.", secret=True),
    Variable("ENVIRONMENT", "development", "development or production; production refuses to start without a login."),
    Variable("HOST", "127.0.0.1", "The address `miner up` binds the dashboard to."),
    Variable("PORT", "8000", "The port of the dashboard."),
    Variable("PUBLIC_URL", None, "The address people type, for example https://issues.example.com."),
    Variable("WORKER_THREADS", "3", "Actor threads of a worker process, 1 to 16; each may hold one connection."),
    Variable("LEASE_SECONDS", "60", "A worker that is silent this long counts as lost, 2 to 600."),
    Variable("PG_BINDIR", None, "Where to look first for the Postgres programs of the embedded server."),
    Variable("ZENDESK_SUBDOMAIN", None, "The Zendesk account: the name before .zendesk.com."),
    Variable("MINER_ANALYZER", "auto", "auto, claude or local; auto takes Claude when ANTHROPIC_API_KEY is set."),
    Variable("ANTHROPIC_API_KEY", None, "The key for Claude.", secret=True),
    Variable("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
)

BROKER_SCHEMES = ("redis", "rediss", "amqp", "amqps")
_DEFAULTS = {variable.name: variable.default for variable in VARIABLES}


@dataclass(frozen=True)
class Config:
    """The environment, checked. Build it with `from_environment()`, which raises ConfigError with all faults."""

    given_database_url: str | None
    home: Path
    broker_url: str | None
    production: bool
    host: str
    port: int
    public_url: str | None
    worker_threads: int
    lease_seconds: int
    pg_bindir: Path | None
    zendesk_subdomain: str | None
    analyzer: str
    log_level: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read and check every variable; empty counts as absent."""
        source = os.environ if environ is None else environ
        faults: list[str] = []

        def value(name: str) -> str | None:
            return source.get(name, "").strip() or _DEFAULTS[name]

        def choice(name: str, allowed: tuple[str, ...]) -> str:
            found = str(value(name))
            if found.lower() not in [word.lower() for word in allowed]:
                faults.append(f"{name} is {found!r}: choose one of {', '.join(allowed)}")
            return found

        def number(name: str, least: int, most: int) -> int:
            found = str(value(name))
            if not found.isascii() or not found.isdecimal() or not least <= int(found) <= most:
                faults.append(f"{name} is {found!r}: a whole number from {least} to {most} is needed")
                return least
            return int(found)

        def database(name: str) -> str | None:
            found = value(name)
            if found is None:
                return None
            try:
                return normalise_database_url(found)
            except ValueError as error:
                faults.append(f"{name}: {error}")
                return None

        broker = broker_url(source)
        if broker is not None and urlsplit(broker).scheme not in BROKER_SCHEMES:
            faults.append(f"BROKER_URL: it must begin with {':// or '.join(BROKER_SCHEMES)}://; unset it for Postgres")
        analyzer = choice("MINER_ANALYZER", ("auto", "claude", "local")).lower()
        if analyzer == "claude":
            faults.append("MINER_ANALYZER is 'claude': this release reads tickets with the local analyzer; unset it")
        config = cls(
            given_database_url=database("DATABASE_URL"),
            home=Path(str(value("MINER_HOME"))).expanduser().absolute(),
            broker_url=broker,
            production=choice("ENVIRONMENT", ("development", "production")).lower() == "production",
            host=str(value("HOST")),
            port=number("PORT", 1, 65535),
            public_url=value("PUBLIC_URL"),
            worker_threads=number("WORKER_THREADS", 1, 16),
            lease_seconds=number("LEASE_SECONDS", 2, 600),
            pg_bindir=Path(bindir) if (bindir := value("PG_BINDIR")) else None,
            zendesk_subdomain=value("ZENDESK_SUBDOMAIN"),
            analyzer=analyzer,
            log_level=choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR")).upper(),
        )
        if faults:
            raise ConfigError(*faults)
        return config

    def database_url(self) -> str:
        """The SQLAlchemy URL of the given database, else of the embedded server that runs for `home`.

        Raises NoDatabase when there is neither.
        """
        if self.given_database_url:
            return self.given_database_url
        from miner import postgres

        running = postgres.find_running(self.home)
        if running is None:
            raise NoDatabase
        return normalise_database_url(running)


def broker_url(environ: Mapping[str, str] | None = None) -> str | None:
    """BROKER_URL alone: the one thing that must be known when the actors are imported."""
    return (os.environ if environ is None else environ).get("BROKER_URL", "").strip() or None


_LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")


def normalise_database_url(url: str) -> str:
    """Any common spelling of a Postgres URL as SQLAlchemy with psycopg reads it.

    `postgres://`, `postgresql://` and `postgresql+<driver>://` all become `postgresql+psycopg://`; the query is kept.
    A server elsewhere gets `sslmode=require` when nothing is said, since PaaS databases speak TLS and a password must
    not travel in the open. Raises ValueError with a sentence that does not repeat the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("it is not an address like postgresql://user:password@host:5432/name") from None
    if not re.fullmatch(r"postgres(ql)?(\+\w+)?", parts.scheme):
        raise ValueError(f"it begins with {parts.scheme or 'no scheme'!r}; postgresql:// is needed")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = parts.hostname or query.get("host", "")
    if not parts.path.strip("/"):
        raise ValueError("it names no database: end it with /name")
    if port is None and parts.netloc.endswith(":"):
        raise ValueError("its port is empty")
    if host not in _LOCAL_HOSTS and not host.startswith("/"):
        query.setdefault("sslmode", "require")
    rest = f"?{urlencode(query, quote_via=quote)}" if query else ""  # quote: libpq does not read a + as a space
    return f"postgresql+psycopg://{parts.netloc}{parts.path}{rest}"
