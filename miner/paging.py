"""Lists of any length: a key for the place of a row that is sorted by several numbers, and counts that stay quick.

A list sorted so has one shape: every column descending and never NULL, the last one unique. Then "behind the key" is
one comparison of rows, right however many rows share the first numbers, and whatever came or went meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Select, cast, func, literal, select, tuple_
from sqlalchemy.orm import Session

from miner.errors import InvalidArguments

COUNTED_TO = 10_000  # a list is counted exactly up to here
_NUMBER = r"-?[0-9]{1,19}(\.[0-9]{1,9})?"


def format_key(numbers: Sequence[Decimal | float]) -> str:
    """`3_-120.50_7`, as it stands in an address."""
    return "_".join(format(Decimal(number), "f") for number in numbers)


def parse_key(key: str | None, *, width: int) -> tuple[Decimal, ...] | None:
    """The numbers of a key; None: the first page. Raises InvalidArguments for what no page gave out."""
    if not key:
        return None
    parts = key.split("_")
    if len(parts) != width or not all(re.fullmatch(_NUMBER, part) for part in parts):
        raise InvalidArguments({"after": "it is not a key that a page before gave out"})
    return tuple(Decimal(part) for part in parts)


def behind(columns: Sequence[ColumnElement[Any]], key: Sequence[Decimal]) -> ColumnElement[bool]:
    """The rows that come after `key` where all `columns` are sorted downwards."""
    left = tuple_(*(cast(column, Numeric) for column in columns))
    return left < tuple_(*(literal(number, Numeric) for number in key))


@dataclass(frozen=True)
class Count:
    """How many there are; not `exact`: at least so many."""

    total: int
    exact: bool = True


def count_rows(session: Session, query: Select[Any], *, most: int = COUNTED_TO) -> Count:
    """The rows of `query`, exactly up to `most`: nobody reads on beyond it, and counting has its price."""
    found = session.scalar(select(func.count()).select_from(query.limit(most + 1).subquery())) or 0
    return Count(min(found, most), exact=found <= most)
