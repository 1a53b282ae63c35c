"""Whether a call to our webhook comes from Zendesk (pure). It only ever wakes a sync; the export stays the truth.

The signature is base64(HMAC-SHA256(secret as text, timestamp + raw body)), see Zendesk's "Verifying webhooks".
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac

WINDOW_SECONDS = 300
# Published for tests before a webhook exists; whoever knows it could wake us.
PUBLISHED_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105 - no secret: in their manual


def is_own_secret(secret: str) -> bool:
    """Whether it is a webhook's own secret: none at all, or the one everybody can read, is not."""
    return bool(secret) and secret != PUBLISHED_SECRET


def fault_in(*, secret: str, signature: str | None, timestamp: str | None, body: bytes, now: dt.datetime) -> str | None:
    """What is wrong with the call, as a sentence that helps no forger; None: it is Zendesk's and recent.

    Compared in constant time. A replay within the window is for the caller to notice, by the invocation id.
    """
    if not is_own_secret(secret):
        return "no webhook secret of your own is configured"
    if not signature or not timestamp:
        return "the signature is missing"
    message = timestamp.encode() + body
    expected = base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest())
    if not hmac.compare_digest(expected, signature.encode("utf-8", "replace")):
        return "the signature does not fit"
    try:
        sent = dt.datetime.fromisoformat(timestamp)
    except ValueError:
        return "the timestamp is not a time"
    sent = sent if sent.tzinfo else sent.replace(tzinfo=dt.UTC)
    if abs((now - sent).total_seconds()) > WINDOW_SECONDS:
        return "it is older than five minutes"
    return None
