"""Rows as CSV, JSON or an Excel file, a piece at a time; no cell is taken for a formula by a spreadsheet.

Source of the rule: OWASP, CSV Injection. A text that begins with = + - @, a tab or a line break, or their full-width
forms, gets an apostrophe in front; numbers stay numbers. Every cell is quoted. An Excel file says of each cell what it
is, so text stays as it was written there.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from starlette.responses import StreamingResponse

Rows = Sequence[Mapping[str, Any]]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
LONGEST_SHEET, LONGEST_CELL = 1_048_576, 32_767  # the limits of the format


def download(name: str, kind: str, columns: Sequence[str], pieces: Iterable[Rows]) -> StreamingResponse:
    """`name.kind` of all the rows in `pieces`, each fetched when the one before was sent."""
    headers = {"content-disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingResponse(FORMATS[kind](columns, pieces), headers=headers, media_type=TYPES[kind])


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


def xlsx_bytes(columns: Sequence[str], pieces: Iterable[Rows]) -> Iterator[bytes]:
    """The file is finished on disk before its first byte goes out: its table of contents is written last.

    Memory holds a row at a time. A list longer than a sheet goes on in the next one.
    """
    import xlsxwriter  # not before somebody asks for such a file

    with tempfile.TemporaryDirectory(prefix="miner-export-") as folder:
        path = f"{folder}/export.xlsx"
        options = {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False,
                   "strings_to_numbers": False, "nan_inf_to_errors": True}  # fmt: skip
        with xlsxwriter.Workbook(path, options) as book:
            _fill(book, columns, (row for rows in pieces for row in rows))
        with open(path, "rb") as file:
            while chunk := file.read(1 << 16):
                yield chunk


def _fill(book: Any, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    sheet, place = _begin(book, columns), 1
    for row in rows:
        if place >= LONGEST_SHEET:
            sheet, place = _begin(book, columns), 1
        for column, name in enumerate(columns):
            value = plain_cell(row.get(name))
            if isinstance(value, str):
                sheet.write_string(place, column, value[:LONGEST_CELL])
            elif value is not None:
                sheet.write_number(place, column, value)
        place += 1


def _begin(book: Any, columns: Sequence[str]) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, columns)
    return sheet


def cell(value: object) -> str | int | float | Decimal:
    """A value as a cell of a CSV file; unknown (None) is an empty one."""
    plain = plain_cell(value)
    if plain is None:
        return ""
    return f"'{plain}" if isinstance(plain, str) and plain.startswith(_FORMULA) else plain


def plain_cell(value: object) -> str | int | float | Decimal | None:
    """A value as a number or as text; unknown stays None."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, (int, float, Decimal, str)):
        return value
    return json.dumps(value, ensure_ascii=False, default=_plain).strip('"')


def _csv(lines: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(lines)
    return out.getvalue()


def _plain(value: object) -> str | float:
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else str(value)


FORMATS: dict[str, Callable[[Sequence[str], Iterable[Rows]], Iterator[str] | Iterator[bytes]]] = {
    "csv": csv_lines,
    "json": json_array,
    "xlsx": xlsx_bytes,
}
