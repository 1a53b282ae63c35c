"""Addresses of tracker items (pure): https, written in one way so that the same item is not taken for two."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from miner.errors import InvalidArguments

LONGEST_LINK, LONGEST_TITLE = 500, 200


def parse_link(typed: str, *, field: str = "url") -> str:
    """The address as it is stored; raises InvalidArguments for one that could not be opened or is not https."""
    url = typed.strip()
    if not url.isprintable() or " " in url or len(url) > LONGEST_LINK:
        raise InvalidArguments({field: f"an address without spaces, of at most {LONGEST_LINK} characters, is needed"})
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidArguments({field: "it is not an address"}) from None
    if parts.scheme.lower() != "https" or not host:
        raise InvalidArguments({field: "an address that begins with https:// is needed"})
    if parts.username is not None or parts.password is not None:
        raise InvalidArguments({field: "an address must not hold a login"})
    name = f"[{host}]" if ":" in host else host
    netloc = name if port in (None, 443) else f"{name}:{port}"
    path = parts.path.rstrip("/") if not (parts.query or parts.fragment) else parts.path
    return urlunsplit(("https", netloc, path, parts.query, parts.fragment))


def parse_title(typed: str) -> str | None:
    """The title on one line; empty: none. Raises InvalidArguments."""
    title = " ".join(typed.split())
    if not title.isprintable() or len(title) > LONGEST_TITLE:
        raise InvalidArguments({"title": f"a title has at most {LONGEST_TITLE} characters"})
    return title or None
