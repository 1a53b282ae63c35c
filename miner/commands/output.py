"""How the command line speaks: results to standard output, progress and errors to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from miner.errors import InvalidArguments


def say(sentence: str) -> None:
    """Progress, for people."""
    print(sentence, file=sys.stderr, flush=True)


def show_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def json_object(text: str, option: str) -> dict[str, Any]:
    """The JSON object that an option holds; raises InvalidArguments by the option's name."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidArguments({option: "a JSON object is needed, for example '{\"backfill_days\": 7}'"})
    return found


def show_table(rows: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> None:
    """Rows as aligned columns; nothing for no rows."""
    names = list(columns)
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max([len(name), *(len(line[i]) for line in cells)]) for i, name in enumerate(names)]
    for line in [[name.upper().replace("_", " ") for name in names], *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M:%S"))
    return str(value)
