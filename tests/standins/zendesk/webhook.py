"""Webhooks as Zendesk signs them (reference 1.12)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from tests.standins.zendesk.clock import iso

VECTOR = {
    "secret": "c3ludGhldGljLXNpZ25pbmctc2VjcmV0",
    "timestamp": "2026-11-23T20:15:04Z",
    "body": '{"ticket_id":"48121","event":"ticket.comment_added"}',
    "signature": "T/2hlEffbOk6cWG1BSd99XeR/5I6HqFFw4iA0nu+dmE=",
}


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """base64(HMAC-SHA256(secret as text, timestamp + body))."""
    return base64.b64encode(hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()).decode()


def delivery(secret: str, data: Any, *, at: int, invocation: str = "01J0000001") -> tuple[dict[str, str], bytes]:
    """(headers, body) of one delivery; `at` in Unix seconds."""
    body, timestamp = json.dumps(data).encode(), iso(at)
    headers = {
        "Content-Type": "application/json",
        "X-Zendesk-Webhook-Signature": sign(secret, timestamp, body),
        "X-Zendesk-Webhook-Signature-Timestamp": timestamp,
        "X-Zendesk-Webhook-Id": "01J0000000",
        "X-Zendesk-Webhook-Invocation-Id": invocation,
    }
    return headers, body


def ticket_event(ticket: int, kind: str = "comment_added", *, at: int, number: int = 1) -> dict[str, Any]:
    """The body of an event subscription."""
    return {
        "type": f"zen:event-type:ticket.{kind}", "id": f"event-{number}", "account_id": 1, "time": iso(at),
        "subject": f"zen:ticket:{ticket}", "detail": {"id": str(ticket)}, "event": {},
    }  # fmt: skip
