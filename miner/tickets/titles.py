"""What an account calls its custom fields and statuses, and a ticket's values in those words (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from miner.tickets.text import RULES, TextRules, clean_line
from miner.tickets.values import number

FIELD, STATUS = "field", "status"
# Not repeated anywhere: payment data, and what a ticket shows already.
_SILENT = frozenset(("partialcreditcard", "subject", "description", "status", "tickettype", "priority", "group",
                     "assignee", "custom_status"))  # fmt: skip
LONGEST_TITLE, MOST_OPTIONS = 255, 2_000


@dataclass(frozen=True, slots=True)
class Title:
    """A field or status: Zendesk's number and type of it, what people call it, and its options by value."""

    kind: str
    number: int
    title: str
    type: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def read_fields(data: Mapping[str, Any]) -> list[Title]:
    """The titles in a page of ticket_fields; rows that are none are left out."""
    rows = data.get("ticket_fields")
    return [title for row in (rows if isinstance(rows, list) else []) if (title := _field(row)) is not None]


def read_statuses(data: Mapping[str, Any]) -> list[Title]:
    """The titles in an answer of custom_statuses."""
    rows = data.get("custom_statuses")
    found = [_title(STATUS, row, "agent_label", "status_category") for row in (rows if isinstance(rows, list) else [])]
    return [title for title in found if title is not None]


def _field(row: Any) -> Title | None:
    title = _title(FIELD, row, "title", "type")
    options = row.get("custom_field_options") if title else None
    if title is None or not isinstance(options, list):
        return title
    named = {
        clean_line(option["value"])[:LONGEST_TITLE]: clean_line(option["name"])[:LONGEST_TITLE]
        for option in options[:MOST_OPTIONS]
        if isinstance(option, dict) and isinstance(option.get("value"), str) and isinstance(option.get("name"), str)
    }
    return Title(title.kind, title.number, title.title, title.type, named)


def _title(kind: str, row: Any, name: str, type_: str) -> Title | None:
    key = number(row.get("id")) if isinstance(row, dict) else None
    title = clean_line(row[name])[:LONGEST_TITLE] if key is not None and isinstance(row.get(name), str) else ""
    if key is None or not title:
        return None
    given = row.get(type_)
    return Title(kind, key, title, clean_line(given)[:LONGEST_TITLE] if isinstance(given, str) else None)


@dataclass(frozen=True, slots=True)
class Titles:
    """All titles of an account, by number."""

    fields: Mapping[int, Title] = field(default_factory=dict)
    statuses: Mapping[int, Title] = field(default_factory=dict)

    def status(self, raw: Mapping[str, Any]) -> str | None:
        """What the account calls the ticket's status; None: it has no name of its own, or none that is known."""
        found = self.statuses.get(number(raw.get("custom_status_id")) or 0)
        return found.title if found else None

    def facts(self, raw: Mapping[str, Any], *, rules: TextRules = RULES) -> list[tuple[str, str]]:
        """(title, value) of each custom field that is filled and has a title, in the ticket's order.

        Values are redacted like texts, but for those that the account's own list names.
        """
        redact = rules.redactor(())
        given = raw.get("custom_fields")
        found: list[tuple[str, str]] = []
        for one in given if isinstance(given, list) else []:
            known = self.fields.get(number(one.get("id")) or 0) if isinstance(one, dict) else None
            if known is not None and known.type not in _SILENT and (value := _words(one.get("value"), known, redact)):
                found.append((known.title, value))
        return found


def list_numbers(raw: Mapping[str, Any]) -> list[int]:
    """The numbers of the fields and the status of a ticket's row."""
    given = raw.get("custom_fields")
    rows = [one.get("id") for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return [found for one in (*rows, raw.get("custom_status_id")) if (found := number(one)) is not None]


def _words(value: Any, known: Title, redact: Callable[[str], str]) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(word for one in value if (word := _words(one, known, redact)))
    return known.options.get(str(value)) or redact(str(value))
