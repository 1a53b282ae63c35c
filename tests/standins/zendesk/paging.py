"""Cursors and pages: the exports' keyset cursor, and the cursor and offset forms of lists."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from tests.standins.zendesk.http import Rejected, Request

Row = TypeVar("Row")
MOST = 100


def encode_cursor(version: int, number: int, mark: str = "") -> str:
    """base64("{version}.0||{id}|"), as decoded from cursors printed in the documentation (reference 1.2).

    `mark` makes another cursor for the same place: an empty page in the middle of the walk needs one.
    """
    return base64.b64encode(f"{version}.0||{number}|{mark}".encode()).decode()


def decode_cursor(cursor: str) -> tuple[int, int]:
    """(version, id); raises Rejected 400."""
    try:
        version, number, *_ = base64.b64decode(cursor, validate=True).decode().replace("||", "|").split("|")
        return int(float(version)), int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Rejected(400, {"error": "InvalidCursor", "description": "cursor is not valid"}) from None


def whole_number(request: Request, name: str, least: int) -> int | None:
    """A parameter as a number; None when absent; raises Rejected 400."""
    given = request.query.get(name)
    if given is None:
        return None
    try:
        number = int(given.removesuffix(".0") if name == "start_time" else given)
    except ValueError:
        number = least - 1
    if number < least:
        raise invalid(name, f"must be an integer of at least {least}", request)
    return number


def invalid(name: str, rule: str, request: Request) -> Rejected:
    """The body seen in facetoe/zenpy#565."""
    message = f"You passed an invalid value for the {name} attribute. Invalid parameter: {name} {rule}"
    where = request.path.removesuffix(".json").lstrip("/")
    return Rejected(400, {"error": {"title": "Invalid attribute", "message": f"{message} from {where}"}})


def page_of(
    request: Request,
    rows: Sequence[Row],
    show: Callable[[Row], Any],
    *,
    name: str,
    base: str,
    cap: int = MOST,
    clamp: bool = False,
    trailing_empty: bool = False,
) -> dict[str, Any]:
    """A page of a list: the cursor form when page[size] is given, else the offset form, as Zendesk does silently."""
    if "page[size]" not in request.query and "page[after]" not in request.query:
        return _offset_page(request, rows, show, name=name, base=base, cap=cap)
    size = whole_number(request, "page[size]", 1) or MOST
    if size > MOST and not clamp:
        raise invalid("page.size", f"must be an integer between 1 and {MOST}", request)
    size = min(size, cap)
    start = _place(request, "page[after]", 0)
    if "page[before]" in request.query:
        end = _place(request, "page[before]", len(rows))
        start, chosen = max(0, end - size), rows[max(0, end - size) : end]
    else:
        chosen = rows[start : start + size]
    end = start + len(chosen)
    more = end < len(rows) or (trailing_empty and len(chosen) == size)
    after, before = (_mark(end), _mark(start)) if chosen else (None, None)
    return {
        name: [show(one) for one in chosen],
        "meta": {"has_more": more, "after_cursor": after, "before_cursor": before},
        "links": {
            "next": _link(request, base, after=after) if more else None,
            "prev": _link(request, base, before=before) if start else None,
        },
    }


def _offset_page(
    request: Request, rows: Sequence[Row], show: Callable[[Row], Any], *, name: str, base: str, cap: int
) -> dict[str, Any]:
    size = min(whole_number(request, "per_page", 1) or MOST, cap)
    page = whole_number(request, "page", 1) or 1
    if page * size > 10_000:
        raise Rejected(400, {"error": "BadRequest", "description": "Offset pagination stops at 10,000 rows"})
    chosen = rows[(page - 1) * size : page * size]

    def address(number: int) -> str:
        query = {**request.query, "page": str(number)}
        return f"{base}{request.path}?{urlencode(query)}"

    return {
        name: [show(one) for one in chosen],
        "next_page": address(page + 1) if page * size < len(rows) else None,
        "previous_page": address(page - 1) if page > 1 else None,
        "count": len(rows),
    }


def _mark(position: int) -> str:
    return base64.b64encode(f"o|{position}".encode()).decode()


def _place(request: Request, name: str, default: int) -> int:
    given = request.query.get(name)
    if given is None:
        return default
    try:
        kind, position = base64.b64decode(given, validate=True).decode().split("|")
        if kind != "o":
            raise ValueError
        return int(position)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Rejected(400, {"error": "InvalidPaginationParameter", "description": f"{name} is not valid"}) from None


def _link(request: Request, base: str, *, after: str | None = None, before: str | None = None) -> str:
    query = {key: value for key, value in request.query.items() if key not in ("page[after]", "page[before]")}
    query |= {"page[after]": after} if after else {"page[before]": before or ""}
    return f"{base}{request.path}?{urlencode(query)}"
