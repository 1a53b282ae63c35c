"""Addresses as people write them, made into the one form that is used. Each raises ValueError with the remedy."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


def normalise_subdomain(given: str) -> str:
    """The bare name of a Zendesk account from `acme`, `acme.zendesk.com` or an address below it; raises ValueError."""
    host = re.sub(r"^https?://", "", given.strip().lower()).split("/")[0].split(":")[0]
    name = host.removesuffix(".zendesk.com")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        raise ValueError("it is the name before .zendesk.com, for example acme; a help centre's own domain is not it")
    return name


def normalise_base_url(given: str) -> str:
    """`given` without a slash at its end; raises ValueError unless it is https, or http on this machine."""
    try:
        parts = urlsplit(given.strip())
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        raise ValueError("it is not an address like https://acme.zendesk.com") from None
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("it is an address like https://acme.zendesk.com, without login or query")
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError("it must begin with https://, so that credentials never travel in the open")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


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
    try:
        conninfo_to_dict("postgresql:///x" + (f"?{urlencode(query, quote_via=quote)}" if query else ""))
    except ProgrammingError as error:
        raise ValueError(f"its options are wrong ({str(error).strip()})") from None
    rest = f"?{urlencode(query, quote_via=quote)}" if query else ""  # quote: libpq does not read a + as a space
    return f"postgresql+psycopg://{parts.netloc}{parts.path}{rest}"
