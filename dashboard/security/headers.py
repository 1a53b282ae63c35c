"""The headers that every answer carries, the page of an unexpected error included."""

from __future__ import annotations

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # Not no-referrer: with it a same-origin form posts `Origin: null`.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HTTPS_ONLY = {"strict-transport-security": "max-age=31536000; includeSubDomains"}

NO_STORE = "no-store"
FOREVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"


def cache_control(path: str, query: str, status: int) -> str:
    """Pages and errors are never stored; a static file is kept for ever where its address holds its version."""
    if not path.startswith("/static/") or status not in (200, 304):
        return NO_STORE
    return FOREVER if path.startswith("/static/vendor/") or query.startswith("v=") else ASK_FIRST
