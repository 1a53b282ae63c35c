"""Does this request come from our own pages? (pure)

Sec-Fetch-Site says so where browsers send it, the Origin header where they do not. A request with neither does not
come from a browser that could be tricked, unless it brings a cookie: then it is refused. Source: OWASP, Cross-Site
Request Forgery Prevention (Fetch Metadata with Origin as fallback).
"""

from __future__ import annotations

from collections.abc import Mapping, Set

SIGNED = "/hooks/"  # calls below it prove who sent them by a signature, which no browser can be tricked into
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def refusal(method: str, headers: Mapping[str, str], own_origins: Set[str], *, path: str = "/") -> str | None:
    """Why an unsafe request is refused as cross-site, or None. Names of `headers` and `own_origins` are lower-case."""
    if method in SAFE_METHODS or headers.get("authorization", "").lower().startswith("bearer "):
        return None  # a bearer token is never sent by a browser on its own
    if path.startswith(SIGNED):
        return None
    site = headers.get("sec-fetch-site")
    if site is not None:
        return None if site in ("same-origin", "none") else f"it was sent by another site (Sec-Fetch-Site: {site[:40]})"
    origin = headers.get("origin")
    if origin is not None:
        return None if origin.lower() in own_origins else "it was sent by another site (Origin)"
    if "cookie" in headers:
        return "it carries a cookie but does not say which page sent it"
    return None
