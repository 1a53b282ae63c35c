"""Lists as files: the same filters, every row of them."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from dashboard.exporting import EXPORTS
from dashboard.exports import download
from dashboard.forms import read_query
from miner.errors import NotFound


def export(request: Request, session: Session) -> Response:
    name = request.path_params["list"]
    if name not in EXPORTS:
        raise NotFound("export", name)
    exported = EXPORTS[name]
    asked = read_query(request, exported.query, strict=True)
    return download(name, asked.format, exported.columns, exported.pieces(asked))  # type: ignore[attr-defined]
