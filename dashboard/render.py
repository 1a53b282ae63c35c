"""The Jinja environment, and how numbers, times and durations read."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from dashboard import figures, words
from miner.access import Role
from miner.issues import outlook
from miner.issues.prices import PRICES_OF
from miner.version import VERSION

UNKNOWN = "unknown"
FLASH_COOKIE = "flash"


@cache
def environment() -> Environment:
    """Made on first use. Everything is escaped; an unknown name is an error, never an empty place."""
    env = Environment(
        loader=PackageLoader("dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        ago=ago, absolute=absolute, iso=iso, day=day, number=number, plural=plural, duration=duration, bytes=size,
        percent=percent, dollars=dollars, tojson_text=json_text, moment=moment,
    )  # fmt: skip
    env.globals.update(asset=asset, words=words, figures=figures, version=VERSION, query=query, prices_of=PRICES_OF)
    return env


def page(request: Request, template: str, context: Mapping[str, Any]) -> str:
    """The template with what every page needs beside its own context."""
    actor = getattr(request.state, "actor", None)
    flash = request.cookies.get(FLASH_COOKIE)
    shared = {
        "now": dt.datetime.now(dt.UTC),
        "actor": actor,
        "open_locally": actor is not None and actor.kind == "local",
        "may_administer": actor is not None and actor.role >= Role.admin,
        "may_operate": actor is not None and actor.role >= Role.operator,
        "path": request.url.path,
        "attention": getattr(request.state, "attention", ()),
        "flash": words.FLASHES.get(flash or ""),
    }
    return environment().get_template(template).render(shared | dict(context))


def login_address(request: Request) -> str:
    """The login page, leading back to what was asked for (a page that can be looked at, never an action)."""
    here = request.headers.get("hx-current-url") if "hx-request" in request.headers else None
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = "/" if here or request.method != "GET" else path
    return "/login" if back == "/" else f"/login?{urlencode({'next': back})}"


@cache
def asset(name: str) -> str:
    """The address of a file of ours in static/, holding the hash of its content."""
    content = (files("dashboard") / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def query(**parameters: object) -> str:
    """`?a=1&b=2` of the parameters that say something, else nothing."""
    given = {name.rstrip("_"): value for name, value in parameters.items() if value not in (None, "")}
    return f"?{urlencode(given)}" if given else ""


def ago(when: dt.datetime | None, now: dt.datetime) -> str:
    """`3 min ago`, `in 5 h`, and from five weeks on the day itself."""
    if when is None:
        return UNKNOWN
    seconds = (now - when).total_seconds()
    past = seconds >= 0
    seconds = abs(seconds)
    if seconds < 5:
        return "just now" if past else "in a moment"
    for limit, divisor, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (35 * 86400, 86400, "d")):
        if seconds < limit:
            amount = f"{int(seconds // divisor)} {unit}"
            return f"{amount} ago" if past else f"in {amount}"
    return day(when)


def absolute(when: dt.datetime | None) -> str:
    """`2026-11-24 08:00:12 UTC`."""
    return UNKNOWN if when is None else f"{when.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def json_text(value: object) -> str:
    """Compact JSON as text, which the template escapes; cut where it goes on for long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 300 else text[:299] + "…"


def iso(when: dt.datetime) -> str:
    return when.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def day(when: dt.date | None) -> str:
    """`24 Nov 2026`."""
    return UNKNOWN if when is None else f"{when.day} {when:%b %Y}"


def moment(kept: str) -> dt.datetime:
    """A time that was kept as ISO text."""
    return dt.datetime.fromisoformat(kept)


def number(value: float | Decimal | None) -> str:
    """Thousands separated by commas; at most two decimals; None is unknown, never 0."""
    if value is None:
        return UNKNOWN
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def plural(count: int | None, one: str, many: str | None = None) -> str:
    """`1 ticket`, `1,076 tickets`, `unknown tickets`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def percent(share: float | None) -> str:
    """Rounded down, so that 100 % means all of it."""
    return UNKNOWN if share is None else f"{int(share * 100)} %"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `42 s`, `3 min 12 s`, `2 h 5 min`."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def dollars(amount: Decimal | None, unpriced: int = 0, of: int | None = None) -> str:
    """`$0.0123`, `at least $0.0123` where some are of unknown cost, `unknown` where all (`of`) are."""
    if amount is None or (unpriced and (not amount or unpriced == of)):
        return UNKNOWN
    return f"at least {outlook.dollars(amount)}" if unpriced else outlook.dollars(amount)


def size(count: int) -> str:
    """`9.4 MB`, in steps of 1,000."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
