"""Reading a public Help Center over the network (httpx): without any credential, and only where it may lead.

The address comes from a setting, so it must not lead into the network this runs in: https only, and only to public
addresses (see `miner.outbound`). Only for development, loopback is allowed. Redirects are followed on the same host
alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx

from miner.errors import HelpCenterRefused, HelpCenterTrouble
from miner.help_center.articles import Article, next_cursor, parse_articles, parse_sections
from miner.outbound import NotPublic, PublicTransport, UnknownHost
from miner.settings_rules import base_fault, is_loopback
from miner.tickets.zendesk_answers import retry_seconds
from miner.version import VERSION

SECONDS = 60.0  # of a whole answer
MOST_BYTES = 24_000_000
MOST_ARTICLES = 5_000
PAGE = "100"
REDIRECTS = 3


class HelpCenter:
    """One base such as https://support.example.com/hc/en-us. Use it in a `with`."""

    def __init__(self, base: str, *, development: bool, seconds: float = SECONDS) -> None:
        """Raises HelpCenterRefused for an address that is not one of a public Help Center."""
        if fault := base_fault(base):
            raise HelpCenterRefused(f"{base}: {fault}")
        self.base = base.rstrip("/")
        parts = urlsplit(self.base)
        self._origin, self.host = f"{parts.scheme}://{parts.netloc}", parts.hostname or ""
        self._locale = parts.path.strip("/").split("/")[1]
        self._seconds = seconds
        self._http = httpx.Client(
            transport=PublicTransport(local=development and is_loopback(self.host)),
            follow_redirects=False,
            trust_env=False,  # a proxy would resolve the name anew
            timeout=httpx.Timeout(seconds, connect=10.0),
            headers={"Accept": "application/json", "User-Agent": f"product-issue-miner/{VERSION}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def fetch_articles(self) -> list[Article]:
        """Every public article; raises HelpCenterRefused or HelpCenterTrouble, never gives a part of them."""
        sections = {key: name for page in self._pages("sections") for key, name in parse_sections(page).items()}
        found: dict[int, Article] = {}
        for page in self._pages("articles"):
            found |= {one.article_id: one for one in parse_articles(page, base=self.base, sections=sections)}
            if len(found) >= MOST_ARTICLES:
                break
        if not found:
            raise HelpCenterRefused(f"{self.base} has no public article: check its locale, and that it is public")
        return [found[key] for key in sorted(found)][:MOST_ARTICLES]

    def _pages(self, name: str) -> Iterator[Mapping[str, Any]]:
        after: str | None = None
        while True:
            params = {"page[size]": PAGE} | ({"page[after]": after} if after else {})
            address = str(httpx.URL(f"{self._origin}/api/v2/help_center/{self._locale}/{name}.json", params=params))
            page = self._get(address)
            yield page
            before, after = after, next_cursor(page)
            if after is None:
                return
            if after == before:
                raise HelpCenterTrouble(f"{self.host} repeats a page: its cursor does not move")

    def _get(self, address: str) -> Mapping[str, Any]:
        for _ in range(REDIRECTS + 1):
            response, body = self._send(address)
            if response.status_code not in (301, 302, 303, 307, 308):
                return _read(self.host, response, body)
            address = urljoin(address, response.headers.get("location", ""))
            target = urlsplit(address)
            if f"{target.scheme}://{target.netloc}" != self._origin:
                raise HelpCenterRefused(
                    f"{self.host} sends us to {target.hostname or 'another place'}, which is not followed: set "
                    "help_centers to the address that people see in their browser"
                )
        raise HelpCenterTrouble(f"{self.host} sends us in a circle")

    def _send(self, address: str) -> tuple[httpx.Response, bytes]:
        """The whole answer, within the time and size that are allowed."""
        request = self._http.build_request("GET", address)
        give_up = time.monotonic() + self._seconds
        try:
            response = self._http.send(request, stream=True)
            try:
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > MOST_BYTES or time.monotonic() > give_up:
                        raise HelpCenterTrouble(f"{self.host} sends too much, or too slowly")
                return response, bytes(body)
            finally:
                response.close()
        except NotPublic:
            raise HelpCenterRefused(
                f"{self.host} leads into a private network, where no public Help Center is: correct help_centers"
            ) from None
        except UnknownHost:
            raise HelpCenterTrouble(f"{self.host} is not known: check help_centers") from None
        except (httpx.TransportError, httpx.StreamError, httpx.DecodingError) as error:
            raise HelpCenterTrouble(f"{self.host} cannot be read: {type(error).__name__}") from None


def _read(host: str, response: httpx.Response, body: bytes) -> Mapping[str, Any]:
    status = response.status_code
    if status in (401, 403):
        raise HelpCenterRefused(f"{host} asks for a login: only a public Help Center is read")
    if status in (404, 410):
        raise HelpCenterRefused(f"{host} has no Help Center in this locale: check help_centers")
    if status == 429 or status >= 500:
        raise HelpCenterTrouble(f"{host} answers {status}", retry_after=retry_seconds(response.headers))
    if status != 200:
        raise HelpCenterRefused(f"{host} refuses the question ({status}): check help_centers")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise HelpCenterTrouble(f"{host} sends no whole JSON: is this the Help Center's own host?") from None
    if not isinstance(data, dict):
        raise HelpCenterTrouble(f"{host} sends JSON that is no object")
    return data
