"""Calls from other systems, which nobody is logged in for: each is vouched for by its own signature.

Answers never say why a call is refused; the log does, without a word of the call.
"""

from __future__ import annotations

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response

from miner.access import Actor, Role
from miner.db import transaction
from miner.logs import get_logger
from miner.runs.wakes import ask_for_run
from miner.tickets.webhook import fault_in, is_own_secret
from miner.tickets.webhook_calls import record_call

log = get_logger(__name__)

ZENDESK = Actor("webhook", "Zendesk", Role.operator)


def zendesk(request: Request, body: bytes) -> Response:
    """Wake the sync: 204 when the call is Zendesk's (also when it came before), 401 when not, 404 without a secret."""
    secret = request.app.state.zendesk_webhook_secret or ""
    if not is_own_secret(secret):
        log.warning(
            "webhook_unconfigured", message="A webhook called, but ZENDESK_WEBHOOK_SECRET is not set to its own"
        )
        return Response(status_code=404)
    signature = request.headers.get("x-zendesk-webhook-signature")
    fault = fault_in(
        secret=secret,
        signature=signature,
        timestamp=request.headers.get("x-zendesk-webhook-signature-timestamp"),
        body=body,
        now=dt.datetime.now(dt.UTC),
    )
    if fault or not signature:
        log.warning("webhook_refused", message=f"A call of the Zendesk webhook was refused: {fault}")
        return Response(status_code=401)
    with transaction() as session:
        if record_call(session, signature=signature, invocation=request.headers.get("x-zendesk-webhook-invocation-id")):
            ask_for_run(session, "sync", by=ZENDESK)
    return Response(status_code=204)
