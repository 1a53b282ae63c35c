"""Plan, revenue, segment and owner of customers: mapped from fields and tags by settings, or from an uploaded list,
which wins. What neither tells stays unknown, and an amount has the currency of where it comes from, or none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import UsageError
from miner.tickets.customer_list import parse_customers

MAPPED = ("plan", "revenue", "currency", "segment", "owner")
TAG = "tag:"


@dataclass(frozen=True)
class Uploaded:
    """What became of a list: customers in it, of them new or changed, those no longer in it, and what could not be read
    as (line number, reason)."""

    stored: int
    changed: int
    removed: int
    faults: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Of how many customers a fact is known now and would be, and for how many it would be another."""

    name: str
    now: int
    then: int
    changed: int


def upload_customers(session: Session, content: str, *, by: Actor) -> Uploaded:
    """Replace the list by the CSV in `content`: organization id or mail domain, plan, yearly revenue, currency,
    segment, renewal date, account owner. The same list again changes nothing, and a line that cannot be read leaves
    its customer as it was. Raises UsageError when the first line does not name the columns, or no line can be read."""
    require(by, Role.operator, "upload the customer list")
    given = parse_customers(content)
    if not given.rows:
        first = f": line {given.faults[0][0]}: {given.faults[0][1]}" if given.faults else ""
        raise UsageError(f"the list has no usable line{first}")
    removed = session.scalars(
        text("DELETE FROM customer_facts WHERE key <> ALL(:keys) RETURNING key"),
        {"keys": [*given.rows, *given.unread]},
    ).all()
    changed = session.scalars(
        text("""
            INSERT INTO customer_facts AS known (key, facts)
            SELECT key, facts FROM json_to_recordset(CAST(:rows AS json)) AS row (key text, facts jsonb)
            ON CONFLICT (key) DO UPDATE SET facts = excluded.facts, uploaded_at = now()
            WHERE known.facts <> excluded.facts RETURNING key"""),
        {"rows": json.dumps([{"key": key, "facts": facts} for key, facts in given.rows.items()], ensure_ascii=False)},
    ).all()
    counts = {"customers": len(given.rows), "changed": len(changed), "removed": len(removed)}
    audit(session, by, "customers.upload", "customers", "list", after=counts | {"rejected": len(given.faults)})
    return Uploaded(len(given.rows), len(changed), len(removed), tuple(given.faults))


def apply_facts(session: Session, customer_fields: Mapping[Any, str]) -> int:
    """Set plan, revenue, currency, segment, owner and renewal date of all customers anew; returns how many changed.

    `customer_fields` names a field for each, or a tag as `tag:plan_*`, whose rest is the value; two different tags that
    fit say nothing.
    """
    wishes = [_wish(name, customer_fields.get(name, "")) for name in MAPPED]
    return len(session.execute(text(_APPLY), {"wishes": json.dumps(wishes, ensure_ascii=False)}).all())


def preview_facts(session: Session, customer_fields: Mapping[Any, str]) -> tuple[int, list[Known]]:
    """How many customers there are, and for each fact how many would have one; nothing is changed."""
    wishes = [_wish(name, customer_fields.get(name, "")) for name in MAPPED]
    row = session.execute(text(_PREVIEW), {"wishes": json.dumps(wishes, ensure_ascii=False)}).one()._mapping
    return row["customers"], [
        Known(name, row[f"{name}_now"], row[f"{name}_then"], row[f"{name}_changed"]) for name in MAPPED
    ]


def _wish(name: str, chosen: str) -> dict[str, str | None]:
    if chosen.startswith(TAG):
        return {"name": name, "field": None, "tag": chosen.removeprefix(TAG).rstrip("*") or None}
    return {"name": name, "field": chosen or None, "tag": None}


_FRESH = r"""(
      SELECT customer.id,
        coalesce(listed.facts ->> 'plan', told.plan) AS plan,
        coalesce((listed.facts ->> 'revenue')::numeric, told.revenue) AS revenue,
        CASE WHEN listed.facts ? 'revenue' OR told.revenue IS NULL THEN listed.facts ->> 'currency'
          ELSE told.currency END AS currency,
        coalesce(listed.facts ->> 'segment', told.segment) AS segment,
        coalesce(listed.facts ->> 'owner', told.owner) AS owner,
        (listed.facts ->> 'renewal_date')::date AS renewal_date
      FROM customers AS customer
      CROSS JOIN LATERAL (
        SELECT max(value) FILTER (WHERE name = 'plan') AS plan, max(value) FILTER (WHERE name = 'revenue') AS revenue,
          max(value) FILTER (WHERE name = 'currency') AS currency,
          max(value) FILTER (WHERE name = 'segment') AS segment, max(value) FILTER (WHERE name = 'owner') AS owner
        FROM (
          SELECT name, coalesce(nullif(btrim(customer.fields ->> field), ''), (
            SELECT CASE WHEN count(DISTINCT one) = 1 THEN nullif(substr(min(one), length(wish.tag) + 1), '') END
            FROM jsonb_array_elements_text(CASE jsonb_typeof(customer.fields -> 'tags')
              WHEN 'array' THEN customer.fields -> 'tags' ELSE '[]' END) AS one
            WHERE starts_with(one, wish.tag))) AS value
          FROM jsonb_to_recordset(CAST(:wishes AS jsonb)) AS wish (name text, field text, tag text)) AS value) AS said
      CROSS JOIN LATERAL (SELECT said.plan, said.segment, said.owner,
        CASE WHEN said.revenue ~ '^[0-9]{1,15}(\.[0-9]{1,6})?$' THEN said.revenue::numeric END AS revenue,
        CASE WHEN said.currency ~ '^[A-Za-z]{3}$' THEN upper(said.currency) END AS currency) AS told
      LEFT JOIN LATERAL (
        SELECT facts FROM customer_facts
        WHERE customer.kind IN ('organization', 'domain') AND key = ANY(
          ARRAY[lower(customer.external_key)] || ARRAY(SELECT lower(domain) FROM jsonb_array_elements_text(
            CASE jsonb_typeof(customer.fields -> 'domains') WHEN 'array' THEN customer.fields -> 'domains'
              ELSE '[]' END) AS domain))
        ORDER BY key <> lower(customer.external_key), key LIMIT 1) AS listed ON true) AS fresh"""
_APPLY = f"""
    UPDATE customers SET plan = fresh.plan, revenue = fresh.revenue, currency = fresh.currency,
        segment = fresh.segment, owner = fresh.owner, renewal_date = fresh.renewal_date
    FROM {_FRESH}
    WHERE customers.id = fresh.id
      AND (customers.plan, customers.revenue, customers.currency, customers.segment, customers.owner,
        customers.renewal_date) IS DISTINCT FROM
        (fresh.plan, fresh.revenue, fresh.currency, fresh.segment, fresh.owner, fresh.renewal_date)
    RETURNING customers.id"""  # noqa: S608 - a constant
_PREVIEW = f"""
    SELECT {
    ", ".join(
        f"count(customers.{name}) AS {name}_now, count(fresh.{name}) AS {name}_then, "
        f"count(*) FILTER (WHERE customers.{name} IS DISTINCT FROM fresh.{name}) AS {name}_changed"
        for name in MAPPED
    )
}, count(*) AS customers
    FROM customers JOIN {_FRESH} USING (id)"""  # noqa: S608 - a constant
