"""A labelled set: tickets, and what a person says is in them (pure).

JSON lines, one ticket each:

    {"id": "1", "subject": "Export", "text": "The export crashes.",
     "issues": [{"quote": "The export crashes.", "type": "bug", "area": "Reports", "severity": "high"}]}

An empty list says that there is no product issue. A field that an issue lacks was not labelled and is not compared.
`"issue": false` beside a quote says that these words are no product issue; `"complete": false` beside the list, that
there may be others. CSV: the columns id,subject,text,quote,type,area,severity, a line for each issue; a line without
quote is a ticket without one.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from miner.errors import UsageError
from miner.issues.answer import Passage, TicketText
from miner.issues.quotes import locate
from miner.issues.taxonomy import SEVERITIES, TYPES
from miner.tickets.text import clean

FIELDS = ("type", "area", "severity")
MOST_CASES = 20_000


@dataclass(frozen=True, slots=True)
class Label:
    """Words of a ticket, and whether they show an issue; `fields` are those that were labelled."""

    place: tuple[int, int]
    quote: str
    fields: Mapping[str, str | None] = field(default_factory=dict)
    issue: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled ticket. `complete`: there is nothing else in it; `has_issue`: None where that is not known."""

    key: str
    text: TicketText
    labels: tuple[Label, ...]
    complete: bool = True
    has_issue: bool | None = None


def read_cases(path: Path) -> list[Case]:
    """The cases of a file; raises UsageError that names the file and the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {reason}") from None
    rows = _csv_rows(text, path) if path.suffix.lower() == ".csv" else _json_rows(text, path)
    cases: dict[str, Case] = {}
    for line, row in rows:
        case = _case(row, number=len(cases) + 1, where=f"{path} line {line}")
        if case.key in cases:
            raise UsageError(f"{path} line {line}: the id {case.key[:50]!r} was used before")
        cases[case.key] = case
        if len(cases) > MOST_CASES:
            raise UsageError(f"{path} holds more than {MOST_CASES:,} tickets")
    if not cases:
        raise UsageError(f"{path} holds no ticket")
    return list(cases.values())


def _json_rows(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    for line, one in enumerate(text.split("\n"), 1):
        if one.strip():
            try:
                yield line, json.loads(one)
            except ValueError:
                raise UsageError(f"{path} line {line}: it is not a JSON object on one line") from None


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if missing := {"id", "text", "quote"} - set(reader.fieldnames or ()):
        raise UsageError(f"{path} has no column {', '.join(sorted(missing))}")
    rows: dict[str, tuple[int, dict[str, Any]]] = {}
    try:
        for row in reader:
            key = row["id"] or ""
            _, ticket = rows.setdefault(
                key,
                (reader.line_num, {"id": key, "subject": row.get("subject"), "text": row["text"], "issues": []}),
            )
            if (row["quote"] or "").strip():
                named = {name: row[name] for name in FIELDS if row.get(name)}
                ticket["issues"].append({"quote": row["quote"], **named})
    except csv.Error as error:
        raise UsageError(f"{path} cannot be read as CSV: {error}") from None
    yield from rows.values()


def _case(row: Any, *, number: int, where: str) -> Case:
    if not isinstance(row, dict) or not isinstance(row.get("issues"), list):
        raise UsageError(f'{where}: it needs "issues", a list that may be empty')
    key, body = row.get("id"), row.get("text")
    if not isinstance(key, (str, int)) or not str(key) or not isinstance(body, str):
        raise UsageError(f'{where}: it needs an "id" and a "text"')
    subject = clean(str(row.get("subject") or ""))
    whole = f"{subject}\n\n{clean(body)}" if subject else clean(body)
    start = len(whole) - len(clean(body))
    text = TicketText(number, whole, len(subject), (Passage(start, len(whole)),))
    labels = tuple(_label(one, whole, where) for one in row["issues"])
    complete = bool(row.get("complete", True))
    known = True if any(label.issue for label in labels) else False if complete else None
    return Case(str(key), text, labels, complete, known)


def _label(row: Any, text: str, where: str) -> Label:
    quote = row.get("quote") if isinstance(row, dict) else None
    if not isinstance(quote, str) or not (place := locate(quote, text)):
        raise UsageError(f"{where}: an issue needs a quote that stands in the text")
    fields = {name: row[name] for name in FIELDS if name in row}
    for name, known in (("type", TYPES), ("severity", SEVERITIES)):
        if fields.get(name, next(iter(known))) not in known:
            raise UsageError(f"{where}: {name} must be one of {', '.join(known)}")
    return Label(place, text[slice(*place)], fields, bool(row.get("issue", True)))
