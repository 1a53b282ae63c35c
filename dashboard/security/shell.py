"""The outermost layer: request id, security headers, host, origin and size, before anything else sees the request.

It wraps the finished application, since Starlette answers an unexpected error outside of all its middleware, and then
raises it again. Here it ends: logged once, under the request id that the page shows. The server never sees it, whose
own log would hold the traceback a second time, with every secret in it.
"""

from __future__ import annotations

import secrets
import time
from urllib.parse import quote

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import errors
from dashboard.security.access import Access, host_of
from dashboard.security.headers import ALWAYS, HTTPS_ONLY, cache_control
from dashboard.security.origin import SAFE_METHODS, refusal
from dashboard.security.sizes import largest_body
from miner.logs import get_logger

log = get_logger(__name__)


class Shell:
    """`app` within its shell; `access` says which hosts and origins are our own."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["request_id"] = secrets.token_hex(8)
        self._warn_of_wrong_bind(scope)
        status: int | None = None
        began = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(MutableHeaders(scope=message), scope, message["status"])
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=scope["request_id"]):
            try:
                await self._serve(scope, receive, send_with_headers)
            except Exception as error:
                log.error("request_failed", message="A request failed unexpectedly", exc_info=error)
                if status is None:  # not even the page of the error could be made
                    answer = PlainTextResponse(f"Something went wrong. Request {scope['request_id']}\n", 500)
                    await answer(scope, receive, send_with_headers)
            finally:
                _log(scope, status or 500, time.perf_counter() - began)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        problem = self._refuse(scope, headers)
        if problem is not None:
            await errors.answer(Request(scope), problem)(scope, receive, send)
            return
        read, most = 0, largest_body(scope["path"])

        async def receive_with_limit() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_with_limit, send)

    def _refuse(self, scope: Scope, headers: Headers) -> errors.Problem | None:
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        if host_of(host) not in self.access.hosts and scope["path"] != "/healthz":
            # Health checks come by address; everything else must use a name that is ours.
            return errors.Problem(400, "This address is not ours", "Set PUBLIC_URL to the address that people type.")
        cross_site = refusal(scope["method"], headers, self.access.own_origins(host.lower()), path=scope["path"])
        if cross_site:
            return errors.Problem(403, "Refused", f"This request is refused: {cross_site}.")
        length = headers.get("content-length", "0")
        if (
            not (length.isascii() and length.isdecimal())
            or len(length) > 12
            or int(length) > largest_body(scope["path"])
        ):
            return errors.too_large(scope["path"])
        return None

    def _dress(self, headers: MutableHeaders, scope: Scope, status: int) -> None:
        headers.update(ALWAYS)
        if self.access.https:
            headers.update(HTTPS_ONLY)
        headers["x-request-id"] = scope["request_id"]
        query = scope.get("query_string", b"").decode("latin-1")
        headers["cache-control"] = cache_control(scope["path"], query, status)

    def _warn_of_wrong_bind(self, scope: Scope) -> None:
        address = None if self._warned else self.access.find_wrong_bind(scope)
        if address is None:
            return
        self._warned = True
        log.warning(
            "bound_elsewhere",
            message=f"A request arrived on {address}, but HOST says that only this machine is served:"
            " set HOST to the address that is bound, so that a login is required at start",
            address=address,
        )


def _log(scope: Scope, status: int, seconds: float) -> None:
    """One line a request, without its query: what changes something or fails is worth a line, looking is not."""
    worth = scope["method"] not in SAFE_METHODS or status >= 400
    (log.info if worth else log.debug)(
        "request",
        message=f"{scope['method']} {quote(scope['path'][:200])} {status} in {seconds * 1000:.0f} ms",
        method=scope["method"],
        status=status,
        ms=round(seconds * 1000, 1),
    )
