"""What the files of each list hold, fetched piece by piece; each piece in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from dashboard.exports import Rows
from dashboard.forms import Query, parse_time_key, time_key
from dashboard.http import Cut, cut
from dashboard.lists import cut_themes, cut_tickets, find_customers, scope_in
from dashboard.scopes import CustomerQuery, IssueQuery, ScopeQuery, ThemeQuery, TicketQuery
from miner.db import transaction
from miner.issues.exported import COLUMNS as ISSUE_COLUMNS
from miner.issues.exported import list_exported
from miner.themes.ranking import ThemeLine
from miner.tickets.affected import CustomerLine
from miner.tickets.queries import TicketLine

PIECE = 1_000
COMPUTED_PIECE = 10_000  # where every piece counts all rows anew


class Format(Query):
    format: Literal["csv", "json", "xlsx"] = "csv"


class IssueExport(IssueQuery, Format):
    pass


class ThemeExport(ThemeQuery, Format):
    pass


class TicketExport(TicketQuery, Format):
    pass


class CustomerExport(CustomerQuery, Format):
    pass


@dataclass(frozen=True)
class Export:
    """A list as a file: how it is asked for, its columns, and how a piece of it is fetched."""

    query: type[ScopeQuery]
    columns: tuple[str, ...]
    fetch: Callable[[Session, Any], Cut[Mapping[str, Any]]]

    def pieces(self, asked: ScopeQuery) -> Iterator[Rows]:
        """From the first row on. No transaction is open while a slow reader takes what was fetched."""
        after: str | None = ""
        while after is not None:
            with transaction() as session:
                found = self.fetch(session, asked.model_copy(update={"after": after}))
            yield found.rows
            after = found.next


_FIGURES = ("reports", "reports_before", "customers", "customers_before", "reports_without_customer", "revenue",
            "currency", "revenue_unknown", "open_tickets")  # fmt: skip
_THEME = ("name", "type", "area", "status", "owner", "flag", "flagged_at", "trend_sentence", "first_seen_at",
          "last_seen_at")  # fmt: skip
_TICKET = ("id", "source", "source_id", "zendesk_ticket_id", "zendesk_url", "url", "subject", "status", "customer_id",
           "customer", "plan", "created_at", "original_created_at", "analyzed_at", "issues")  # fmt: skip
_CUSTOMER = ("id", "name", "kind", "source", "plan", "segment", "revenue", "currency", "owner", "renewal_date",
             "reports", "open_tickets", "first_report_at", "last_report_at")  # fmt: skip


def _theme(line: ThemeLine) -> dict[str, Any]:
    facts = {name: getattr(line, name) for name in _THEME}
    return {"theme_id": line.id, **facts, **{name: getattr(line.figures, name) for name in _FIGURES}}


def _ticket(line: TicketLine) -> dict[str, Any]:
    row = {name: getattr(line, name) for name in _TICKET if name != "zendesk_url"}
    unread = line.pending and line.analyzed_at is None
    return row | {
        "zendesk_url": line.url if line.zendesk_ticket_id else None,
        "issues": None if unread else line.issues,
    }


def _customer(line: CustomerLine) -> dict[str, Any]:
    said = {"latest_quote": line.quote, "latest_issue_id": line.issue_id, "latest_ticket_id": line.ticket_id}
    return {name: getattr(line, name) for name in _CUSTOMER} | said


def _issues(session: Session, asked: IssueExport) -> Cut[Mapping[str, Any]]:
    scope, after = scope_in(session, asked), parse_time_key(asked.after)
    rows = list_exported(session, scope=scope, after=after, limit=PIECE + 1)
    return cut(rows, PIECE, lambda row: time_key(row["occurred_at"], row["issue_id"]))


def _themes(session: Session, asked: ThemeExport) -> Cut[Mapping[str, Any]]:
    found = cut_themes(session, asked, COMPUTED_PIECE)
    return Cut([_theme(line) for line in found.rows], found.next)


def _tickets(session: Session, asked: TicketExport) -> Cut[Mapping[str, Any]]:
    found = cut_tickets(session, asked, PIECE, counted=False)
    return Cut([_ticket(line) for line in found.rows], found.next)


def _customers(session: Session, asked: CustomerExport) -> Cut[Mapping[str, Any]]:
    found, _ = find_customers(session, asked, COMPUTED_PIECE)
    return Cut([_customer(line) for line in found.rows], found.next)


EXPORTS = {
    "issues": Export(IssueExport, ISSUE_COLUMNS, _issues),
    "themes": Export(ThemeExport, ("theme_id", *_THEME, *_FIGURES), _themes),
    "tickets": Export(TicketExport, _TICKET, _tickets),
    "customers": Export(
        CustomerExport, (*_CUSTOMER, "latest_quote", "latest_issue_id", "latest_ticket_id"), _customers
    ),
}
