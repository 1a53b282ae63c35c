"""`miner export`: a list with its filters as a file, the one that the dashboard offers."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from dashboard.exporting import EXPORTS
from dashboard.exports import FORMATS
from dashboard.forms import names_of
from dashboard.scopes import ScopeQuery
from miner.commands.output import say
from miner.errors import InvalidArguments, UsageError
from miner.settings import field_faults


def export(options: Namespace) -> int:
    """Write it to a file, or to standard output as it comes."""
    exported = EXPORTS[options.list]
    pieces = exported.pieces(_asked(exported.query, options.filter))
    content = (
        piece.encode() if isinstance(piece, str) else piece
        for piece in FORMATS[options.format](exported.columns, pieces)
    )
    if options.output == "-":
        for piece in content:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return 0
    _write(Path(options.output), content)
    say(f"written: {options.output}")
    return 0


def _write(path: Path, content: Iterator[bytes]) -> None:
    try:
        with path.open("wb") as file:
            file.writelines(content)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _asked(query: type[ScopeQuery], filters: list[str]) -> ScopeQuery:
    values = {}
    for one in filters:
        name, equals, value = one.partition("=")
        if not equals or name not in names_of(query) - {"after", "format"}:
            known = ", ".join(sorted(names_of(query) - {"after", "format"}))
            raise InvalidArguments({"--filter": f"{one!r} is not NAME=VALUE with a name of {known}"})
        values[name] = value
    try:
        return query.model_validate(values)
    except ValidationError as error:
        raise InvalidArguments(field_faults(error)) from None
