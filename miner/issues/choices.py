"""What a filter can be set to: the plans, segments, owners and areas that there are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from miner.models import Customer, Theme

MOST = 200  # of each; a list that is longer is no list to choose from


def list_choices(session: Session) -> dict[str, list[str]]:
    """{"area", "plan", "segment", "owner": the values that are in use, in order}, in one statement."""
    columns: dict[str, Any] = {
        "area": Theme.area,
        "plan": Customer.plan,
        "segment": Customer.segment,
        "owner": Theme.owner,
    }
    parts = [
        select(select(literal(name).label("name"), column.label("value")).where(column.is_not(None)).distinct()
               .limit(MOST).subquery())
        for name, column in columns.items()
    ]  # fmt: skip
    every = union_all(*parts).subquery()
    found: dict[str, list[str]] = {name: [] for name in columns}
    for row in session.execute(select(every).order_by(every.c.name, func.lower(every.c.value), every.c.value)):
        found[row.name].append(row.value)
    return found
