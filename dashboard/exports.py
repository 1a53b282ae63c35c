"""Rows as CSV or JSON lines, streamed a piece at a time; no cell is taken for a formula by a spreadsheet.

Source of the rule: OWASP, CSV Injection. A text that begins with = + - @, a tab or a line break, or their full-width
forms, gets an apostrophe in front; numbers stay numbers. Every cell is quoted.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from starlette.responses import StreamingResponse

Rows = Sequence[Mapping[str, Any]]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json; charset=utf-8"}


def download(name: str, kind: str, columns: Sequence[str], pieces: Iterable[Rows]) -> StreamingResponse:
    """`name.kind` (csv or json) of all the rows in `pieces`, each fetched when the one before was sent."""
    make: Callable[..., Iterator[str]] = csv_lines if kind == "csv" else json_array
    headers = {"content-disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingResponse(make(columns, pieces), headers=headers, media_type=TYPES[kind])


def csv_lines(columns: Sequence[str], pieces: Iterable[Rows]) -> Iterator[str]:
    yield _csv([list(columns)])
    for rows in pieces:
        yield _csv([[cell(row.get(name)) for name in columns] for row in rows])


def json_array(columns: Sequence[str], pieces: Iterable[Rows]) -> Iterator[str]:
    yield "["
    first = True
    for rows in pieces:
        for row in rows:
            text = json.dumps({name: row.get(name) for name in columns}, ensure_ascii=False, default=_plain)
            yield text if first else f",\n{text}"
            first = False
    yield "]\n"


def cell(value: object) -> str | int | float | Decimal:
    """A value as a cell; unknown (None) is an empty one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float, Decimal)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain).strip('"')
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(lines: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(lines)
    return out.getvalue()


def _plain(value: object) -> str | float:
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else str(value)
