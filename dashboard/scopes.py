"""Which rows a list shows, as its address says: the same parameters on pages, in the API, in exports and in views."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dashboard.forms import PairKey, Query, Text, parse_id_key
from miner.issues.scope import Scope
from miner.models import ISSUE_TYPES, SEVERITIES, THEME_STATUSES, TREND_FLAGS
from miner.themes.windows import Window
from miner.weeks import FIRST, LAST

# Parameters of a list that are not about which reports are meant.
_OF_THE_LIST = frozenset(("sort", "after", "compare", "state", "revenue", "format"))


def _theme(value: str) -> str:
    return value if value in ("", "none") else _id(value)


def _customer(value: str) -> str:
    return value if value in ("", "unknown") else _id(value)


def _id(value: str) -> str:
    if parse_id_key(value) is None:
        raise ValueError("it is not an id")
    return value


def _day(value: str) -> str:
    if value:
        try:
            day = dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError("it is not a day such as 2026-11-23") from None
        if not FIRST <= day <= LAST:
            raise ValueError(f"it is not a day from {FIRST} to {LAST}")
    return value


def _comparison(value: str) -> str:
    return value if value in ("", "none", "year") else _day(value)


Day = Annotated[str, Field(max_length=10), AfterValidator(_day)]


class ScopeQuery(Query):
    """The parameters that every list takes; what says nothing narrows nothing."""

    theme: Annotated[str, AfterValidator(_theme)] = ""
    type: Literal["", *ISSUE_TYPES] = ""  # type: ignore[valid-type]
    area: Text = ""
    severity: Literal["", *SEVERITIES] = ""  # type: ignore[valid-type]
    status: Literal["", *THEME_STATUSES] = ""  # type: ignore[valid-type]
    flag: Literal["", *TREND_FLAGS] = ""  # type: ignore[valid-type]
    brand: Text = ""
    plan: Text = ""
    segment: Text = ""
    platform: Text = ""
    version: Text = ""
    owner: Text = ""
    customer: Annotated[str, AfterValidator(_customer)] = ""
    open: Literal["", "yes"] = ""
    text: Text = ""
    from_: Day = Field(default="", alias="from")
    to: Day = ""

    @field_validator("to")
    @classmethod
    def _in_order(cls, value: str, info: ValidationInfo) -> str:
        if value and value < info.data.get("from_", ""):
            raise ValueError("it is before from")
        return value

    @property
    def narrows(self) -> bool:
        """Whether any filter is set."""
        return bool(parameters_of(self, "sort"))


class ThemeQuery(ScopeQuery):
    sort: Literal["", "biggest", "valuable", "newest", "latest"] = ""
    compare: Annotated[str, Field(max_length=10), AfterValidator(_comparison)] = ""
    after: Text = ""


class IssueQuery(ScopeQuery):
    """`quotes` unverified: those that do not count as reports, since their quote stands nowhere word for word."""

    quotes: Literal["", "unverified"] = ""
    after: PairKey = ""


class TicketQuery(ScopeQuery):
    state: Literal["", "pending", "analyzed", "reports"] = ""
    after: PairKey = ""


class CustomerQuery(ScopeQuery):
    """`revenue` unknown: those whose figure is not in the sums."""

    sort: Literal["", "revenue", "open", "recent"] = ""
    revenue: Literal["", "unknown"] = ""
    after: Text = ""


def scope_of(asked: ScopeQuery, zone: ZoneInfo) -> Scope:
    """What is asked for; its days are those of the workspace's zone, both inclusive."""
    return Scope(
        theme="none" if asked.theme == "none" else parse_id_key(asked.theme),
        type=asked.type or None,
        area=asked.area or None,
        severity=asked.severity or None,
        status=asked.status or None,
        flag=asked.flag or None,
        brand=asked.brand or None,
        plan=asked.plan or None,
        segment=asked.segment or None,
        platform=asked.platform or None,
        version=asked.version or None,
        owner=asked.owner or None,
        customer="unknown" if asked.customer == "unknown" else parse_id_key(asked.customer),
        open=asked.open == "yes",
        text=asked.text or None,
        starts=_midnight(asked.from_, zone),
        ends=_midnight(asked.to, zone, later=1),
        verified=not (isinstance(asked, IssueQuery) and asked.quotes),
    )


def compared(asked: ThemeQuery, zone: ZoneInfo) -> Window | None:
    """The window that the range is compared with: as many days just before it, the same days of the year before, or
    as many from a day on; None: there is no whole range, or nothing is to be compared."""
    if not (asked.from_ and asked.to) or asked.compare == "none":
        return None
    first, last = dt.date.fromisoformat(asked.from_), dt.date.fromisoformat(asked.to)
    days = (last - first).days + 1
    if asked.compare == "year":
        begins = first - dt.timedelta(days=364)  # so that weekdays are compared with the same weekdays
    else:
        begins = dt.date.fromisoformat(asked.compare) if asked.compare else first - dt.timedelta(days=days)
    midnights = [dt.datetime.combine(day, dt.time(), zone) for day in (begins, begins + dt.timedelta(days=days))]
    return Window(*midnights)


def parameters_of(asked: ScopeQuery, *without: str) -> dict[str, Any]:
    """What the address says, as it would be written again, but for the place in the list."""
    values = asked.model_dump(by_alias=True, exclude_defaults=True)
    return {name: value for name, value in values.items() if value != "" and name not in ("after", *without)}


def scope_parameters(asked: ScopeQuery, *without: str) -> dict[str, Any]:
    """As `parameters_of`, of what every list takes: what leads from a number to the rows behind it."""
    return {name: value for name, value in parameters_of(asked, *without).items() if name not in _OF_THE_LIST}


def _midnight(day: str, zone: ZoneInfo, *, later: int = 0) -> dt.datetime | None:
    if not day:
        return None
    return dt.datetime.combine(dt.date.fromisoformat(day) + dt.timedelta(days=later), dt.time(), zone)
