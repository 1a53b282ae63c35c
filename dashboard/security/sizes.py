"""How much a request may send (pure)."""

from __future__ import annotations

LARGEST_BODY = 64 * 1024
# Zendesk sends a whole comment, which may have 65,000 characters, each up to six bytes in JSON.
LARGEST_CALL = 1024 * 1024


def largest_body(path: str) -> int:
    """Bytes that a request to `path` may hold."""
    return LARGEST_CALL if path.startswith("/hooks/") else LARGEST_BODY
