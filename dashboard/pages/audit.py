"""Who did what: the audit log with its filters, and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from dashboard.exports import Rows, download
from dashboard.forms import AuditQuery, parse_id_key, read_query
from dashboard.http import View, cut
from miner import auditing
from miner.db import transaction

PAGE, PIECE = 100, 1000
COLUMNS = (
    "id", "at", "actor_kind", "actor_name", "actor_id", "address", "action", "object_kind", "object_id", "outcome",
    "before", "after", "request_id",
)  # fmt: skip


def entry_list(request: Request, session: Session) -> View:
    query = read_query(request, AuditQuery)
    found = auditing.list_entries(session, **_filters(query), before=parse_id_key(query.before), limit=PAGE + 1)
    shown = {
        "page": cut(found, PAGE, lambda entry: str(entry.id)),
        "filters": query,
        "actions": auditing.list_actions(session),
    }
    return View("audit.html", shown)


def export(request: Request, session: Session) -> Response:
    query = read_query(request, AuditQuery)
    kind = "json" if request.url.path.endswith(".json") else "csv"
    return download("audit", kind, COLUMNS, _pieces(_filters(query)))


def export_json(request: Request, session: Session) -> Response:
    return export(request, session)


def _pieces(filters: dict[str, Any]) -> Iterator[Rows]:
    """Each piece in a transaction of its own: none is open while a slow reader takes the file."""
    before = None
    while True:
        with transaction() as session:
            found = auditing.list_entries(session, **filters, before=before, limit=PIECE)
            rows = [auditing.as_row(entry) for entry in found]
        if rows:
            yield rows
        if len(rows) < PIECE:
            return
        before = found[-1].id


def _filters(query: AuditQuery) -> dict[str, Any]:
    return {
        "actor": query.actor, "action": query.action, "object_name": query.object, "outcome": query.outcome,
    }  # fmt: skip
