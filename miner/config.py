"""Config: what the environment decides, read once and frozen. What operators edit on a page is Settings.

`VARIABLES` is the one list of every variable: the reader, `docs/configuration.md` and a test all come from it, and no
other module looks at the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from miner.addresses import normalise_base_url, normalise_database_url, normalise_subdomain
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
    Variable(
        "SECRET_KEY",
        None,
        "Seals what is stored, 32 characters or more; in a rotation: new,old.",
        secret=True,
    ),
    Variable("SECOND_FACTOR", "required", "required or optional: a second factor for operators and admins."),
    Variable("TRUSTED_PROXY_HOPS", "0", "How many proxies of yours stand in front, 0 to 5; most platforms: 1."),
    Variable("MINER_EMBEDDED", "no", "yes: the embedded database is meant, in production too."),
    Variable("WORKER_THREADS", "3", "Actor threads of a worker process, 1 to 16; each may hold one connection."),
    Variable("LEASE_SECONDS", "60", "A worker that is silent this long counts as lost, 2 to 600."),
    Variable("PG_BINDIR", None, "Where to look first for the Postgres programs of the embedded server."),
    Variable("ZENDESK_SUBDOMAIN", None, "The Zendesk account: the name before .zendesk.com."),
    Variable("ZENDESK_BASE_URL", None, "Another address of the account; http:// only on this machine."),
    Variable("ZENDESK_OAUTH_CLIENT_ID", None, "The unique identifier of the OAuth client."),
    Variable("ZENDESK_OAUTH_CLIENT_SECRET", None, "The secret of the OAuth client.", secret=True),
    Variable("ZENDESK_OAUTH_TOKEN", None, "A ready access token, used when no OAuth client is given.", secret=True),
    Variable("ZENDESK_EMAIL", None, "The address an API token belongs to."),
    Variable("ZENDESK_API_TOKEN", None, "An API token; Zendesk ends all of them on 30 April 2027.", secret=True),
    Variable("ZENDESK_BRAND_ID", None, "Brand ids, separated by commas; absent: all brands."),
    Variable("ZENDESK_WEBHOOK_SECRET", None, "The signing secret of the webhook that wakes the sync.", secret=True),
    Variable("MINER_ANALYZER", "auto", "auto, claude or local; auto takes Claude when ANTHROPIC_API_KEY is set."),
    Variable("ANTHROPIC_API_KEY", None, "The key for Claude.", secret=True),
    Variable("ANTHROPIC_BASE_URL", None, "Another address of the Claude API; http:// only on this machine."),
    Variable("MINER_MODEL", "claude-haiku-5-5", "The model that reads tickets."),
    Variable("MINER_NAMING_MODEL", None, "The model that names themes; absent: MINER_MODEL."),
    Variable("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
)

SHORTEST_KEY = 32
MAKE_KEY = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
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
    secret_keys: tuple[str, ...] = field(repr=False)
    second_factor: bool
    proxy_hops: int
    worker_threads: int
    lease_seconds: int
    pg_bindir: Path | None
    zendesk_subdomain: str | None
    zendesk_base_url: str | None
    zendesk_oauth_client_id: str | None
    zendesk_oauth_client_secret: str | None = field(repr=False)
    zendesk_oauth_token: str | None = field(repr=False)
    zendesk_email: str | None
    zendesk_api_token: str | None = field(repr=False)
    zendesk_brand_ids: tuple[int, ...]
    zendesk_webhook_secret: str | None = field(repr=False)
    analyzer: str
    anthropic_api_key: str | None = field(repr=False)
    anthropic_base_url: str | None
    model: str
    naming_model: str
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

        def numbers(name: str) -> tuple[int, ...]:
            words = (value(name) or "").replace(",", " ").split()
            if not all(word.isascii() and word.isdecimal() and len(word) < 19 for word in words):
                faults.append(f"{name}: whole numbers separated by commas are needed, for example 41,42")
                return ()
            return tuple(dict.fromkeys(int(word) for word in words))

        def folder(name: str) -> Path:
            try:
                return Path(str(value(name))).expanduser().absolute()
            except RuntimeError:  # ~ without HOME and without an entry for this user
                faults.append(f"{name} begins with ~, but this user has no home: give a whole path")
                return Path.cwd()

        def keys(name: str) -> tuple[str, ...]:
            found = tuple(one for word in (value(name) or "").split(",") if (one := word.strip()))
            if any(len(one) < SHORTEST_KEY for one in found):
                faults.append(f"{name}: at least {SHORTEST_KEY} characters are needed; {MAKE_KEY}")
            return found

        def checked(name: str, normalise: Callable[[str], str]) -> str | None:
            found = value(name)
            if found is None:
                return None
            try:
                return normalise(found)
            except ValueError as error:
                faults.append(f"{name}: {error}")
                return None

        broker = broker_url(source)
        if broker is not None and not _is_broker(broker):
            schemes = ":// or ".join(BROKER_SCHEMES)
            faults.append(f"BROKER_URL: it must be an address that begins with {schemes}://; unset it for Postgres")
        config = cls(
            given_database_url=checked("DATABASE_URL", normalise_database_url),
            home=folder("MINER_HOME"),
            broker_url=broker,
            production=choice("ENVIRONMENT", ("development", "production")).lower() == "production",
            host=str(value("HOST")),
            port=number("PORT", 1, 65535),
            public_url=value("PUBLIC_URL"),
            secret_keys=keys("SECRET_KEY"),
            second_factor=choice("SECOND_FACTOR", ("required", "optional")).lower() == "required",
            proxy_hops=number("TRUSTED_PROXY_HOPS", 0, 5),
            worker_threads=number("WORKER_THREADS", 1, 16),
            lease_seconds=number("LEASE_SECONDS", 2, 600),
            pg_bindir=Path(bindir) if (bindir := value("PG_BINDIR")) else None,
            zendesk_subdomain=checked("ZENDESK_SUBDOMAIN", normalise_subdomain),
            zendesk_base_url=checked("ZENDESK_BASE_URL", normalise_base_url),
            zendesk_oauth_client_id=value("ZENDESK_OAUTH_CLIENT_ID"),
            zendesk_oauth_client_secret=value("ZENDESK_OAUTH_CLIENT_SECRET"),
            zendesk_oauth_token=value("ZENDESK_OAUTH_TOKEN"),
            zendesk_email=value("ZENDESK_EMAIL"),
            zendesk_api_token=value("ZENDESK_API_TOKEN"),
            zendesk_brand_ids=numbers("ZENDESK_BRAND_ID"),
            zendesk_webhook_secret=value("ZENDESK_WEBHOOK_SECRET"),
            analyzer=choice("MINER_ANALYZER", ("auto", "claude", "local")).lower(),
            anthropic_api_key=value("ANTHROPIC_API_KEY"),
            anthropic_base_url=checked("ANTHROPIC_BASE_URL", normalise_base_url),
            model=str(value("MINER_MODEL")),
            naming_model=str(value("MINER_NAMING_MODEL") or value("MINER_MODEL")),
            log_level=choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR")).upper(),
        )
        if config.production:
            faults += config.faults_in_production(embedded=choice("MINER_EMBEDDED", ("no", "yes")).lower() == "yes")
        if faults:
            raise ConfigError(*faults)
        return config

    def faults_in_production(self, *, embedded: bool) -> list[str]:
        """What must be set before strangers may come; whether somebody could log in is asked by the web process."""
        because = "ENVIRONMENT is production"
        faults = []
        if not (self.public_url or "").lower().startswith("https://"):
            faults.append(f"{because}: set PUBLIC_URL to the https:// address that people type")
        if not self.secret_keys:
            faults.append(f"{because}: set SECRET_KEY; {MAKE_KEY}")
        if self.given_database_url is None and not embedded:
            faults.append(
                f"{because}: set DATABASE_URL; an embedded database is lost where disks do not last. "
                "On a machine of your own set MINER_EMBEDDED=yes"
            )
        return faults

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


def describe(environ: Mapping[str, str] | None = None) -> list[dict[str, str | None]]:
    """Every variable with its value (a secret's masked) and where that comes from."""
    source = os.environ if environ is None else environ
    rows: list[dict[str, str | None]] = []
    for variable in VARIABLES:
        given = source.get(variable.name, "").strip()
        value = given or variable.default
        where = "environment" if given else "absent" if value is None else "default"
        rows.append(
            {"variable": variable.name, "value": "***" if variable.secret and value else value, "source": where}
        )
    return rows


def secret_values(environ: Mapping[str, str] | None = None) -> set[str]:
    """The value of every secret variable, and the password within an address, for the log to hide."""
    source = os.environ if environ is None else environ
    found = {source.get(variable.name, "").strip() for variable in VARIABLES if variable.secret}
    for value in tuple(found):
        with suppress(ValueError):
            password = urlsplit(value).password
            found |= {password, unquote(password)} if password else set()
        found |= {part.strip() for part in value.split(",")}
    return found - {""}


def broker_url(environ: Mapping[str, str] | None = None) -> str | None:
    """BROKER_URL alone: the one thing that must be known when the actors are imported."""
    return (os.environ if environ is None else environ).get("BROKER_URL", "").strip() or None


def _is_broker(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in BROKER_SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
