"""Plan, revenue, segment and owner of customers: mapped from fields by settings, or from an uploaded list, which wins.

What neither tells stays unknown.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import UsageError
from miner.tickets.text import clean_line

COLUMNS = ("plan", "revenue", "currency", "renewal_date", "owner")
_SPELLINGS = {
    "key": ("organization_id", "organisation_id", "organization", "domain", "customer", "id", "key"),
    "plan": ("plan", "tier"),
    "revenue": ("revenue", "yearly_revenue", "annual_revenue", "arr"),
    "currency": ("currency",),
    "renewal_date": ("renewal_date", "renewal"),
    "owner": ("owner", "account_owner"),
}
_MOST_LINES = 200_000


@dataclass(frozen=True)
class Uploaded:
    """What became of a list: lines taken over, and the others as (line number, reason)."""

    stored: int
    faults: tuple[tuple[int, str], ...]


def upload_customers(session: Session, content: str, *, by: Actor) -> Uploaded:
    """Replace the list by the CSV in `content`: organization id or mail domain, plan, yearly revenue, currency,
    renewal date, account owner; raises UsageError when its first line does not name them."""
    require(by, Role.operator, "upload the customer list")
    rows, faults = parse_customers(content)
    if not rows:
        raise UsageError(f"the list has no usable line{f': line {faults[0][0]}: {faults[0][1]}' if faults else ''}")
    session.execute(text("DELETE FROM customer_facts"))
    session.execute(
        text("""
            INSERT INTO customer_facts (key, facts)
            SELECT key, facts FROM json_to_recordset(CAST(:rows AS json)) AS row (key text, facts jsonb)"""),
        {"rows": json.dumps([{"key": key, "facts": facts} for key, facts in rows.items()], ensure_ascii=False)},
    )
    audit(session, by, "customers.upload", "customers", "list", after={"lines": len(rows), "rejected": len(faults)})
    return Uploaded(len(rows), tuple(faults))


def parse_customers(content: str) -> tuple[dict[str, dict[str, str]], list[tuple[int, str]]]:
    """{key: facts} and the faults by line; a later line of the same key wins (pure)."""
    first = content.lstrip("\ufeff").split("\n", 1)[0]
    reader = csv.reader(io.StringIO(content.lstrip("\ufeff")), delimiter=max(",;\t", key=first.count))
    header = [clean_line(name).lower().replace(" ", "_").replace("-", "_") for name in next(reader, [])]
    places = {
        ours: header.index(found)
        for ours, names in _SPELLINGS.items()
        if (found := next((name for name in names if name in header), None))
    }
    if "key" not in places or len(places) < 2:
        raise UsageError("line 1: it must name organization_id or domain, and at least one of " + ", ".join(COLUMNS))
    rows: dict[str, dict[str, str]] = {}
    faults: list[tuple[int, str]] = []
    try:
        for cells in reader:
            if len(rows) >= _MOST_LINES:
                raise UsageError(f"the list has more than {_MOST_LINES:,} lines")
            if any(cell.strip() for cell in cells):
                _add(rows, faults, reader.line_num, places, cells)
    except csv.Error as error:
        faults.append((reader.line_num, f"it is not CSV: {error}"))
    return rows, faults


def _add(
    rows: dict[str, dict[str, str]],
    faults: list[tuple[int, str]],
    line: int,
    places: Mapping[str, int],
    cells: list[str],
) -> None:
    given = {name: clean_line(cells[place])[:255] for name, place in places.items() if place < len(cells)}
    key = given.pop("key", "").lower().removeprefix("@")
    try:
        if not key:
            raise ValueError("it names no organization and no domain")
        rows[key] = {name: _checked(name, value) for name, value in given.items() if value}
    except ValueError as error:
        faults.append((line, str(error)))


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


def apply_facts(session: Session, customer_fields: Mapping[Any, str]) -> int:
    """Set plan, revenue, currency, segment, owner and renewal date of all customers anew; returns how many changed."""
    mapped: dict[str, Any] = {
        name: customer_fields.get(name, "") for name in ("plan", "revenue", "currency", "segment", "owner")
    }
    return len(session.execute(text(_APPLY), mapped).all())


_APPLY = r"""
    UPDATE customers SET plan = fresh.plan, revenue = fresh.revenue, currency = fresh.currency,
        segment = fresh.segment, owner = fresh.owner, renewal_date = fresh.renewal_date
    FROM (
      SELECT customer.id,
        coalesce(given.facts ->> 'plan', customer.fields ->> :plan) AS plan,
        coalesce((given.facts ->> 'revenue')::numeric,
          CASE WHEN customer.fields ->> :revenue ~ '^[0-9]{1,15}(\.[0-9]{1,6})?$'
            THEN (customer.fields ->> :revenue)::numeric END) AS revenue,
        coalesce(given.facts ->> 'currency', customer.fields ->> :currency) AS currency,
        customer.fields ->> :segment AS segment,
        coalesce(given.facts ->> 'owner', customer.fields ->> :owner) AS owner,
        (given.facts ->> 'renewal_date')::date AS renewal_date
      FROM customers AS customer LEFT JOIN customer_facts AS given
        ON given.key = lower(customer.external_key) AND customer.kind IN ('organization', 'domain')) AS fresh
    WHERE customers.id = fresh.id
      AND (customers.plan, customers.revenue, customers.currency, customers.segment, customers.owner,
        customers.renewal_date) IS DISTINCT FROM
        (fresh.plan, fresh.revenue, fresh.currency, fresh.segment, fresh.owner, fresh.renewal_date)
    RETURNING customers.id"""
