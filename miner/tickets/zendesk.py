"""The one module that talks to Zendesk over the network (httpx): single calls, no retries, no waiting.

Every address is built from the account's own host and a path of ours; links in answers and redirects are never
followed, so credentials reach no other host. Every timeout is stated, and a whole answer has a deadline too.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from miner.config import Config
from miner.errors import ZendeskBadPayload, ZendeskTooBig, ZendeskTrouble
from miner.tickets.zendesk_answers import Answer, read_answer
from miner.version import VERSION

CONNECT_SECONDS, WRITE_SECONDS = 10.0, 30.0
EXPORT_SECONDS, CALL_SECONDS = 120.0, 30.0
# More of a page than this is asked for in smaller pages: 512 MB hold the bytes, the parsed rows and Python.
MOST_BYTES = 24_000_000
MOST_BYTES_OF_ONE = 200_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """One GET: `path` below /api/v2, the keys its answer must have, the budget it draws on beside the account's."""

    path: str
    what: str
    needs: tuple[str, ...]
    params: Mapping[str, str] = field(default_factory=dict)
    export: bool = False
    one: bool = False  # cannot be asked for in smaller parts


def source_of(config: Config) -> str:
    """The name of the account as a ticket source."""
    if config.zendesk_subdomain:
        return f"zendesk:{config.zendesk_subdomain}"
    return f"zendesk:{httpx.URL(config.zendesk_base_url or '').host.split('.')[0]}"


class Zendesk:
    """A connection pool to one account; safe for many threads. Close it, or use it in a `with`."""

    def __init__(self, config: Config, *, seconds: float | None = None) -> None:
        """`seconds` replaces both deadlines of an answer."""
        self.base_url = config.zendesk_base_url or f"https://{config.zendesk_subdomain}.zendesk.com"
        self._seconds = seconds
        self._http = httpx.Client(
            follow_redirects=False,
            timeout=httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS, write=WRITE_SECONDS),
            limits=httpx.Limits(max_connections=40, max_keepalive_connections=40, keepalive_expiry=30),
            headers={"Accept": "application/json", "User-Agent": f"product-issue-miner/{VERSION}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, call: Call, *, authorization: str) -> Answer:
        """The answer to `call`; raises ZendeskError, also for timeouts and cut connections."""
        request = self._http.build_request(
            "GET",
            f"{self.base_url}/api/v2/{call.path}",
            params=dict(call.params),
            headers={"Authorization": authorization},
        )
        most = MOST_BYTES_OF_ONE if call.one else MOST_BYTES
        deadline = self._seconds or (EXPORT_SECONDS if call.export else CALL_SECONDS)
        status, headers, body = self._send(request, call.what, deadline, most)
        return read_answer(status, headers, body, what=call.what, needs=call.needs)

    def create_token(self, *, client_id: str, client_secret: str, seconds: int) -> dict[str, Any]:
        """A new access token by client_credentials, asked to live `seconds`; raises ZendeskError."""
        request = self._http.build_request(
            "POST",
            f"{self.base_url}/oauth/tokens",
            json={
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": client_secret,
                "scope": "read",
                "expires_in": seconds,
            },
        )
        status, headers, body = self._send(request, "an access token", self._seconds or CALL_SECONDS, MOST_BYTES)
        return read_answer(status, headers, body, what="an access token", needs=("access_token",)).data

    def _send(self, request: httpx.Request, what: str, seconds: float, most: int) -> tuple[int, httpx.Headers, bytes]:
        """Read the whole answer, within `seconds` and `most` bytes."""
        give_up = time.monotonic() + seconds
        request.extensions["timeout"]["read"] = seconds
        try:
            response = self._http.send(request, stream=True)
            try:
                parts, size = [], 0
                for part in response.iter_bytes():
                    parts.append(part)
                    size += len(part)
                    if size > most:
                        raise ZendeskTooBig(f"Zendesk's answer for {what} is over {most // 1_000_000} MB")
                    if time.monotonic() > give_up:
                        raise ZendeskTooBig(f"Zendesk's answer for {what} took longer than {seconds:.0f} s")
                return response.status_code, response.headers, b"".join(parts)
            finally:
                response.close()
        except httpx.ReadTimeout:
            raise ZendeskTooBig(f"Zendesk sent nothing for {what} within {seconds:.0f} s") from None
        except httpx.DecodingError:
            raise ZendeskBadPayload(f"Zendesk's answer for {what} is damaged") from None
        except (httpx.TransportError, httpx.StreamError) as error:
            raise ZendeskTrouble(f"Zendesk cannot be reached for {what}: {type(error).__name__}") from None


def basic(email: str, api_token: str) -> str:
    """The Authorization header of an API token."""
    return "Basic " + base64.b64encode(f"{email.removesuffix('/token')}/token:{api_token}".encode()).decode()
