"""Reading an uploaded list of customers: organization id or mail domain, and what is known of them (pure)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from miner.errors import UsageError
from miner.tickets.text import clean_line

COLUMNS = ("plan", "revenue", "currency", "segment", "renewal_date", "owner")
_KEYS = ("organization", "domain")
_SPELLINGS = {
    "organization": ("organization_id", "organisation_id", "organization", "customer", "id", "key"),
    "domain": ("domain", "mail_domain", "email_domain"),
    "plan": ("plan", "tier"),
    "revenue": ("revenue", "yearly_revenue", "annual_revenue", "arr"),
    "currency": ("currency",),
    "segment": ("segment",),
    "renewal_date": ("renewal_date", "renewal"),
    "owner": ("owner", "account_owner"),
}
_MOST_LINES = 200_000


@dataclass
class CustomerList:
    """`rows`: {key in lower case: facts}; `faults`: (line, reason); `unread`: keys of lines with a fault."""

    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    lines: dict[str, int] = field(default_factory=dict)


def parse_customers(content: str) -> CustomerList:
    """The customers in a CSV text; raises UsageError when its first line does not name the columns."""
    content = content.lstrip("\ufeff")
    first = content.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(content), delimiter=max(",;\t", key=first.count))
    header = [clean_line(name).lower().replace(" ", "_").replace("-", "_") for name in next(reader, [])]
    places = {
        ours: header.index(found)
        for ours, names in _SPELLINGS.items()
        if (found := next((name for name in names if name in header), None))
    }
    if not places.keys() & set(_KEYS) or not places.keys() & set(COLUMNS):
        raise UsageError("line 1: it must name organization_id or domain, and at least one of " + ", ".join(COLUMNS))
    found_list = CustomerList()
    try:
        for cells in reader:
            if len(found_list.rows) >= _MOST_LINES:
                raise UsageError(f"the list has more than {_MOST_LINES:,} lines")
            if any(cell.strip() for cell in cells):
                _add(found_list, reader.line_num, places, cells, width=len(header))
    except csv.Error as error:
        found_list.faults.append((reader.line_num, f"it is not CSV: {error}"))
    return found_list


def _add(into: CustomerList, line: int, places: Mapping[str, int], cells: Sequence[str], *, width: int) -> None:
    given = {name: clean_line(cells[place])[:255] for name, place in places.items() if place < len(cells)}
    keys = [key for name in _KEYS if (key := given.pop(name, "").lower().removeprefix("@"))]
    try:
        if not keys:
            raise ValueError("it names no organization and no domain")
        if any(cell.strip() for cell in cells[width:]):
            raise ValueError(f"it has {len(cells)} cells, the first line {width}: put what holds a comma in quotes")
        facts = {name: _checked(name, value) for name, value in given.items() if value}
        for key in keys:
            if into.rows.get(key, facts) != facts:
                raise ValueError(f"{key} stands in line {into.lines[key]} already, with other facts")
    except ValueError as error:
        into.faults.append((line, str(error)))
        into.unread.update(keys)
        return
    for key in keys:
        into.rows[key] = facts
        into.lines.setdefault(key, line)


def _checked(name: str, value: str) -> str:
    if name == "revenue":
        return str(parse_amount(value))
    if name == "renewal_date":
        try:
            return dt.date.fromisoformat(value).isoformat()
        except ValueError:
            raise ValueError("renewal_date is not a day such as 2027-03-31") from None
    if name == "currency" and not (len(value) == 3 and value.isalpha() and value.isascii()):
        raise ValueError("currency is not a code of three letters such as EUR")
    return value.upper() if name == "currency" else value


def parse_amount(value: str) -> Decimal:
    """12000, 12,000.50 or 12 000; raises ValueError for what could be two different amounts."""
    plain = value.replace(" ", "").replace("\u00a0", "").replace("'", "")
    if "," in plain and ("." in plain or all(len(part) == 3 for part in plain.split(",")[1:])):
        plain = plain.replace(",", "")
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        raise ValueError("revenue is not a number such as 12000.50") from None
    if not amount.is_finite() or not 0 <= amount < Decimal(10) ** 15:
        raise ValueError("revenue is out of range")
    return amount
