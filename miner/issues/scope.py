"""Which reports are meant: the parameters that lists, pages, exports and the API share, as conditions over rows.

A report is a live issue whose quote stands word for word in its ticket. A number and the list behind it agree because
both are made of the same conditions.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, func, literal_column

from miner.models import Customer, Issue, Theme, Ticket

UNKNOWN = "unknown"
# Words by which sources call a ticket that somebody still works on; any other word, also one not known, is not open.
OPEN_STATUSES = (
    "new", "open", "pending", "hold", "on-hold", "on hold", "reopened", "assigned", "unconfirmed", "waiting",
    "in progress", "in_progress",
)  # fmt: skip
SIMPLE: Any = literal_column("'simple'::regconfig")
# As the index issues_words_idx has it, to the letter.
_WORDS: Any = literal_column("to_tsvector('simple'::regconfig, issues.summary || ' ' || issues.quote)")


@dataclass(frozen=True)
class Scope:
    """What narrows the reports; None narrows nothing, "unknown" asks for those of which it is not known.

    `theme` is an id, or none: not yet in a theme. `type`, `area`, `severity`, `platform`, `version` are of the issue,
    `status`, `flag`, `owner` of its theme, `brand` and `open` of its ticket, `plan` and `segment` of its customer.
    `text` are words in summary and quote ("..." a phrase, -word excludes). `starts` and `ends` are instants, half
    open, of when the customer wrote. `verified` False asks for the live issues that do not count as reports, None for
    both.
    """

    theme: int | Literal["none"] | None = None
    type: str | None = None
    area: str | None = None
    severity: str | None = None
    status: str | None = None
    flag: str | None = None
    brand: str | None = None
    plan: str | None = None
    segment: str | None = None
    platform: str | None = None
    version: str | None = None
    owner: str | None = None
    customer: int | Literal["unknown"] | None = None
    open: bool = False
    text: str | None = None
    starts: dt.datetime | None = None
    ends: dt.datetime | None = None
    verified: bool | None = True


EVERYTHING = Scope()


def joined() -> FromClause:
    """Issues with their tickets, customers and themes: what the conditions of a scope speak of."""
    table: FromClause = Issue.__table__.join(Ticket.__table__, Ticket.id == Issue.ticket_id)
    table = table.outerjoin(Customer.__table__, Customer.id == Ticket.customer_id)
    return table.outerjoin(Theme.__table__, Theme.id == Issue.theme_id)


def issues_with_themes() -> FromClause:
    """As `joined`, for conditions that speak of issues and themes alone."""
    return Issue.__table__.outerjoin(Theme.__table__, Theme.id == Issue.theme_id)


def conditions(scope: Scope) -> list[ColumnElement[bool]]:
    """The scope's reports among the rows of `joined()`."""
    found: list[ColumnElement[bool]] = [Issue.retired_at.is_(None)]
    if scope.verified is not None:
        found.append(Issue.quote_verified.is_(scope.verified))
    for columns in (_of_issue(scope), of_ticket(scope), of_customer(scope), of_theme(scope)):
        found += columns
    if scope.theme is not None:
        found.append(Issue.theme_id.is_(None) if scope.theme == "none" else Issue.theme_id == scope.theme)
    if scope.text:
        found.append(says(scope.text))
    if scope.starts is not None:
        found.append(Issue.occurred_at >= scope.starts)
    if scope.ends is not None:
        found.append(Issue.occurred_at < scope.ends)
    return found


def of_theme(scope: Scope) -> list[ColumnElement[bool]]:
    """What the scope says of the row of a theme."""
    return _equal((Theme.status, scope.status), (Theme.flag, scope.flag), (Theme.owner, scope.owner))


def of_customer(scope: Scope) -> list[ColumnElement[bool]]:
    """What the scope says of the row of a customer."""
    return _equal((Customer.plan, scope.plan), (Customer.segment, scope.segment))


def of_ticket(scope: Scope) -> list[ColumnElement[bool]]:
    """What the scope says of the row of a ticket."""
    found = _equal((brand(), scope.brand), (Ticket.customer_id, scope.customer))
    return [*found, is_open()] if scope.open else found


def _of_issue(scope: Scope) -> list[ColumnElement[bool]]:
    return _equal(
        (Issue.type, scope.type),
        (Issue.area, scope.area),
        (Issue.severity, scope.severity),
        (fact("platform"), lower(scope.platform)),
        (fact("version"), lower(scope.version)),
    )


def _equal(*wanted: tuple[Any, int | str | None]) -> list[ColumnElement[bool]]:
    """For each (column, value) that the column has it; unknown: that it has none."""
    return [column.is_(None) if value == UNKNOWN else column == value for column, value in wanted if value is not None]


def says(words: str) -> ColumnElement[bool]:
    """Whether an issue's summary and quote hold the words."""
    return _WORDS.op("@@")(func.websearch_to_tsquery(SIMPLE, words))  # type: ignore[no-any-return]


def is_open() -> ColumnElement[bool]:
    """Whether a ticket is still worked on at its source."""
    return func.lower(Ticket.status).in_(OPEN_STATUSES)


def brand() -> ColumnElement[str | None]:
    """The brand's id at the source; NULL: the source names none."""
    return func.jsonb_extract_path_text(Ticket.raw, "brand_id")


def fact(name: str) -> ColumnElement[str | None]:
    """One of an issue's facts in lower case, since people write them anyhow; NULL: the ticket does not say it."""
    return func.nullif(func.lower(func.btrim(func.jsonb_extract_path_text(Issue.facts, name))), "")


def lower(value: str | None) -> str | None:
    return None if value is None else value.strip().lower()
