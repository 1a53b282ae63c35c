"""How much a request may send (pure)."""

from __future__ import annotations

LARGEST_BODY = 64 * 1024
# Zendesk sends a whole comment, which may have 65,000 characters, each up to six bytes in JSON.
LARGEST_CALL = 1024 * 1024
# What Claude should know of the product may have 20,000 characters, each up to nine bytes in a form.
LARGEST_SETTINGS = 256 * 1024


def largest_body(path: str) -> int:
    """Bytes that a request to `path` may hold."""
    if path.startswith("/settings/"):
        return LARGEST_SETTINGS
    return LARGEST_CALL if path.startswith("/hooks/") else LARGEST_BODY
