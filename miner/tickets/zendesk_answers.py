"""From an HTTP answer of Zendesk to its data or a typed error (pure).

A 200 that is not the promised JSON object is an error, never "no rows". Messages hold Zendesk's own words for the
reason, cut to a line, and never a ticket's text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from miner.errors import (
    ZendeskAuthentication,
    ZendeskBadPayload,
    ZendeskForbidden,
    ZendeskGone,
    ZendeskLimited,
    ZendeskRefused,
    ZendeskTooBig,
    ZendeskTrouble,
)

_DETAIL = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gave. `server_time`: Unix seconds of its `Date`; `limit`, `remaining`: the account's budget a minute;
    `reset`: seconds until it is full again. None: it did not say."""

    data: dict[str, Any]
    server_time: float | None
    limit: int | None
    remaining: int | None
    reset: float | None


def read_answer(status: int, headers: Mapping[str, str], body: bytes, *, what: str, needs: tuple[str, ...]) -> Answer:
    """The data of a 2xx answer that has every key in `needs`; raises the ZendeskError that fits.

    `headers` is case-insensitive. `what` names the thing asked for, in messages.
    """
    if not 200 <= status < 300:
        raise _error(status, headers, body, what)
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise ZendeskBadPayload(f"Zendesk's answer for {what} is not whole JSON") from None
    if not isinstance(data, dict):
        raise ZendeskBadPayload(f"Zendesk's answer for {what} is not an object")
    missing = [key for key in needs if data.get(key) is None]
    if missing:
        raise ZendeskBadPayload(f"Zendesk's answer for {what} lacks {', '.join(missing)}")
    return Answer(
        data,
        http_time(headers.get("date")),
        _whole(headers.get("x-rate-limit")),
        _whole(headers.get("x-rate-limit-remaining")),
        retry_seconds({"retry-after": headers.get("ratelimit-reset", "")}),
    )


def _error(status: int, headers: Mapping[str, str], body: bytes, what: str) -> Exception:
    detail = error_detail(body)
    if 300 <= status < 400:
        return ZendeskTrouble(
            f"Zendesk sends {what} elsewhere, where credentials do not follow: check ZENDESK_SUBDOMAIN"
        )
    if status == 401:
        return ZendeskAuthentication(
            f"Zendesk refuses the credentials ({detail or status}): renew them, see `miner doctor`"
        )
    if status == 403:
        return ZendeskForbidden(
            f"Zendesk does not allow {what} ({detail or status}): exports need an admin; see `miner doctor`"
        )
    if status in (404, 410):
        return ZendeskGone(f"Zendesk has no {what}")
    if status == 429:
        if "offset" in detail:
            return ZendeskRefused(f"Zendesk does not page that deep for {what}", detail)
        return ZendeskLimited(f"Zendesk asks for fewer calls ({what})", retry_after=retry_seconds(headers))
    if status in (413, 504):
        return ZendeskTooBig(f"Zendesk gave up on {what}: it is too much at once")
    if status >= 500 or status in (408, 409, 425):
        return ZendeskTrouble(f"Zendesk answers {status} for {what}", retry_after=retry_seconds(headers))
    return ZendeskRefused(f"Zendesk refuses {what}: {detail or status}", detail)


def error_detail(body: bytes) -> str:
    """Zendesk's word for an error, one line: its `error` may be a string or an object, the body plain text or HTML."""
    text = body[:4000].decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        error = data.get("error")
        parts = [error.get("title"), error.get("message")] if isinstance(error, dict) else [error]
        parts += [data.get("error_description"), data.get("description"), data.get("detail")]
        text = ": ".join(part for part in parts if isinstance(part, str) and part)
    elif text.lstrip().startswith("<"):
        return ""
    return " ".join(text.split())[:_DETAIL]


def retry_seconds(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds from now, whether it is a number or an HTTP date; None when absent or unreadable."""
    given = (headers.get("retry-after") or "").strip()
    if not given:
        return None
    try:
        return max(0.0, float(given)) if float(given) < 86_400 else 86_400.0
    except ValueError:
        pass
    at, now = http_time(given), http_time(headers.get("date"))
    return None if at is None or now is None else min(86_400.0, max(0.0, at - now))


def http_time(given: str | None) -> float | None:
    """Unix seconds of an HTTP date."""
    if not given:
        return None
    try:
        return parsedate_to_datetime(given).timestamp()
    except (ValueError, OverflowError):
        return None


def is_too_recent(error: ZendeskRefused) -> bool:
    """Whether Zendesk only says that this moment cannot be exported yet: then there is nothing newer."""
    return "toorecent" in error.detail.replace(" ", "").lower()


def _whole(given: str | None) -> int | None:
    return int(given) if given and given.isascii() and given.isdecimal() else None
