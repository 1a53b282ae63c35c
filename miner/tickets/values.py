"""Single values of a source, made storable (pure): each gives None for what is absent."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any
from urllib.parse import urlsplit

from miner.tickets.text import clean, clean_line

# Ids stand in unique indexes, whose entries are bounded; a longer value is text, not an id.
LONGEST_LINE = 255
_BIGINT = 2**63
_ZONE = re.compile(r"\s*(?:UTC|GMT|Z)$|\s+([+-]\d\d):?(\d\d)$")
_SLASHES = re.compile(r"(\d{4})/(\d\d)/(\d\d)")
_EPOCH = re.compile(r"\d{10}(\d{3})?")


def line(value: Any, field: str) -> str | None:
    """A word, name or id on one line; ValueError when it is no such thing or longer than 255 characters."""
    if value is None:
        return None
    if type(value) is int:
        return str(value)
    if isinstance(value, (bool, list, dict)):
        raise ValueError(f"{field} is not text or a number")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    found = clean_line(value) if isinstance(value, str) else str(value)
    if len(found) > LONGEST_LINE:
        raise ValueError(f"{field} is longer than {LONGEST_LINE} characters")
    return found or None


def prose(value: Any, field: str) -> str:
    """A text of any length, clean; absent is ""; ValueError when it is an object or a list."""
    if isinstance(value, (bool, list, dict)):
        raise ValueError(f"{field} is not text")
    return "" if value is None else clean(str(value))


def number(value: Any) -> int | None:
    """A whole number that fits a bigint."""
    if type(value) is int:
        return value if -_BIGINT <= value < _BIGINT else None
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value):
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return int(value) if whole and -_BIGINT <= value < _BIGINT else None


def time(value: Any, field: str) -> dt.datetime | None:
    """A moment in UTC from ISO 8601 or epoch seconds; without a zone it is taken as UTC.

    Raises ValueError for anything else, also for 03/04/2026, which is two different days.
    """
    if value is None or value == "":
        return None
    try:
        moment = _moment(value)
        utc = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        raise ValueError(f"{field} is not a time such as 2026-11-20T09:14:03Z") from None
    if not 1970 <= utc.year < 2100:
        raise ValueError(f"{field} is not between 1970 and 2100")
    return utc


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, str):
        if len(value) == 20 and value[-1] == "Z":
            return dt.datetime.fromisoformat(value)
        text = value.strip()
        if not _EPOCH.fullmatch(text):
            zoned = _ZONE.sub(lambda match: f"{match[1]}:{match[2]}" if match[1] else "+00:00", text)
            return dt.datetime.fromisoformat(_SLASHES.sub(r"\1-\2-\3", zoned))
        value = int(text)
    seconds = value / 1000 if value > 99_999_999_999 else value
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def strings(value: Any) -> list[str]:
    """Tags from a list, or from one string separated by commas, semicolons or blanks."""
    if isinstance(value, str):
        value = re.split(r"[,;]" if re.search(r"[,;]", value) else r"\s+", value)
    if not isinstance(value, list):
        return []
    words = (clean_line(str(word))[:LONGEST_LINE] for word in value if isinstance(word, (str, int)))
    return list(dict.fromkeys(word for word in words if word))


def flag(value: Any) -> Any:
    """A number, switch, short word, or a list of such as JSON can hold them; longer text is not a fact: None."""
    if type(value) is int or type(value) is bool:
        return value
    if isinstance(value, list):
        return [fact for item in value[:100] if not isinstance(item, list) and (fact := flag(item)) is not None]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        word = clean(value)
        return word if 0 < len(word) <= LONGEST_LINE else None
    return value if isinstance(value, (bool, int)) else None


def web_address(value: Any) -> str | None:
    """An http or https address; anything else would be dangerous behind a link."""
    if not isinstance(value, str):
        return None
    address = clean(value)
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    good = parts.scheme in ("http", "https") and parts.netloc and not re.search(r"\s", address)
    return address if good and len(address) <= 2_000 else None
