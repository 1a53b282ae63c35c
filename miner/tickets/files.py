"""Reading a file of tickets as a stream: NDJSON, JSON or CSV, plain or gzip. No database, flat memory.

`inspect` reads the file once and refuses it as a whole before anything is stored; `read_records` then yields every
record, the broken ones with what is wrong with them, so that counting records is a safe place to resume.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from miner.errors import ImportFailed
from miner.tickets.jsonstream import Unreadable, read_values
from miner.tickets.names import missing_columns

_CHUNK = 1 << 20
_LONGEST_FIELD = 1 << 20  # a quote that is never closed must not swallow the rest of the file
_SAVE_AS_UTF8 = "save it as UTF-8 and import it again"


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that can be read: its format (csv, ndjson, json) and, where counting is cheap, its records."""

    path: Path
    format: str
    total: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """The record that begins in `line` (from 1): its value; with a `fault` in words, what stood there instead."""

    line: int
    value: Any
    fault: str | None = None


def inspect(path: Path) -> Inspected:
    """Read the whole file once; raises ImportFailed naming the file, the place and the remedy."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, size, first, last = 0, 0, "", b"\n"
    with _opened(path) as file:
        while chunk := _read(file, path, lines):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                # The offset counts what the decoder kept from the chunk before.
                start = size + error.start - (len(error.object) - len(chunk))
                line = lines + chunk.count(b"\n", 0, max(0, start - size)) + 1
                raise ImportFailed(_encoding_fault(path, first or chunk.decode("latin-1"), start, line)) from None
            first = first or text.lstrip("\ufeff \t\r\n")
            lines, size, last = lines + chunk.count(b"\n"), size + len(chunk), chunk[-1:]
    if decoder.getstate()[0]:
        raise ImportFailed(f"{path.name}: line {lines + 1} ends within a character: copy the file again")
    if not first:
        raise ImportFailed(f"{path.name} is empty: there is nothing to import")
    if "\x00" in first[:4]:
        raise ImportFailed(_encoding_fault(path, first, 0, 1))
    format_ = _format(path, first)
    return Inspected(path, format_, lines + (last != b"\n") if format_ == "ndjson" else None)


def read_records(found: Inspected, columns: Mapping[str, str] | None = None) -> Iterator[Record]:
    """Every record of the file in order; raises ImportFailed where the file cannot be read any further.

    `columns` says what our names are called in a CSV's first line.
    """
    with _opened(found.path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="" if found.format == "csv" else "\n")
        try:
            if found.format == "csv":
                yield from _csv_records(text, found.path, columns)
            elif found.format == "ndjson":
                yield from _line_records(text)
            else:
                yield from (Record(line, value) for line, value in read_values(text))
        except Unreadable as error:
            raise ImportFailed(
                f"{found.path.name}: line {error.line}: {error}; the tickets before it are stored: "
                "repair the file and import it again"
            ) from None
        except (OSError, EOFError, UnicodeDecodeError, zlib.error):
            raise ImportFailed(f"{found.path.name} changed while it was read: import it again") from None


def _opened(path: Path) -> BinaryIO:
    """The file, unpacked when it is gzip, whatever its name says."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        return io.BufferedReader(gzip.open(path), _CHUNK) if packed else path.open("rb")
    except IsADirectoryError:
        raise ImportFailed(f"{path} is a directory: name a file in it") from None
    except FileNotFoundError:
        raise ImportFailed(f"there is no file {path} on this machine: check the path") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not valid"
        raise ImportFailed(f"{path} cannot be opened: {reason}") from None


def _read(file: BinaryIO, path: Path, lines: int) -> bytes:
    try:
        return file.read(_CHUNK)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ImportFailed(f"{path.name}: the gzip data breaks off after line {lines}; copy the file again") from None
    except OSError as error:
        raise ImportFailed(f"{path} cannot be read after line {lines}: {error.strerror}") from None


def _encoding_fault(path: Path, first: str, offset: int, line: int) -> str:
    if "\x00" in first[:4] or first.startswith(("\xff\xfe", "\xfe\xff")):
        return f"{path.name} looks like UTF-16: {_SAVE_AS_UTF8}"
    return f"{path.name} is not UTF-8: line {line}, byte {offset}; {_SAVE_AS_UTF8}"


def _format(path: Path, first: str) -> str:
    """By its name where that is plain, by its first character otherwise; a .json of lines is NDJSON."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    if suffix in (".csv", ".tsv"):
        return "csv"
    if suffix in (".ndjson", ".jsonl"):
        return "ndjson"
    if first.startswith("["):
        return "json"
    if first.startswith("{"):
        return "ndjson" if _is_record(first.split("\n", 1)[0]) else "json"
    if suffix == ".json":
        raise ImportFailed(f"{path.name}: line 1: it is not JSON: a list of tickets or one ticket a line is needed")
    return "csv"


def _is_record(line: str) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and not isinstance(value.get("tickets"), list)


def _line_records(text: TextIO) -> Iterator[Record]:
    for number, line in enumerate(text, 1):
        if line.isspace():
            continue
        try:
            yield Record(number, json.loads(line))
        except RecursionError:
            yield Record(number, line.rstrip("\n"), "it is nested too deeply")
        except ValueError as error:
            place = f" (column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
            yield Record(number, line.rstrip("\n"), f"it is not JSON{place}")


def _csv_records(text: TextIO, path: Path, columns: Mapping[str, str] | None) -> Iterator[Record]:
    csv.field_size_limit(_LONGEST_FIELD)
    first = text.readline()
    delimiter = max(",;\t", key=first.count)
    header = next(csv.reader([first], delimiter=delimiter), [])
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    missing = missing_columns(header, columns)
    if missing:
        raise ImportFailed(
            f"{path.name}: line 1: no column {' and no column '.join(missing)}: the first line must name the columns"
        )
    while True:
        line = rows.line_num + 2
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield Record(line, None, "it is not CSV: a quote is misplaced or never closed, or a field is too long")
            continue
        if len(row) == len(header):
            yield Record(line, dict(zip(header, row, strict=True)))
        elif row:
            yield Record(line, row, f"it has {len(row)} cells, the header has {len(header)}")
