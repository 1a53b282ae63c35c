"""When texts are made again without personal data, what is kept of their words loses it too: issues, retired ones as
well, and what checks, trials, re-readings and corrections hold of them.

What stands in the new text stays as it is. An issue whose quote becomes another points to where it stands now, or is
unverified until the ticket is read again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.issues.quotes import locate
from miner.tickets.text import AnalysisText


@dataclass(frozen=True, slots=True)
class Rewording:
    """The new text of a ticket, and what took the personal data out of its parts."""

    text: AnalysisText
    redact: Callable[[str], str]

    def quote(self, words: str) -> str:
        return words if words in self.text.text else self.redact(words)

    def facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """An article of the Help Center is public."""
        return {
            name: self.redact(words) if isinstance(words, str) and not name.startswith("article") else words
            for name, words in facts.items()
        }

    def row(self, value: Any) -> Any:
        """Columns of issues, as JSON, wherever they lie in `value`."""
        if isinstance(value, list):
            return [self.row(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {name: self._column(name, one) for name, one in value.items()}

    def _column(self, name: str, value: Any) -> Any:
        if name == "facts" and isinstance(value, dict):
            return self.facts(value)
        if name in ("quote", "severity_phrase") and isinstance(value, str):
            return self.quote(value)
        return self.redact(value) if name == "summary" and isinstance(value, str) else self.row(value)


def reword_issues(session: Session, made: Mapping[int, Rewording]) -> None:
    """Take out of all that is kept of these tickets (by id) what their new texts do not have. The caller commits."""
    rows = session.execute(
        text("""
            SELECT id, ticket_id, quote, severity_phrase, summary, facts, quote_start, quote_end, quote_verified,
                text_hash
            FROM issues WHERE ticket_id = ANY(:ids) ORDER BY id"""),
        {"ids": list(made)},
    ).mappings()
    changed = [new for row in rows if (new := _reworded(dict(row), made[row["ticket_id"]])) != dict(row)]
    if changed:
        session.execute(text(_STORE), {"rows": json.dumps(changed, ensure_ascii=False)})
    for table, (keys, columns, ticket) in _HOLDERS.items():
        _reword_json(session, made, table=table, keys=keys, columns=columns, ticket=ticket)


def _reworded(row: dict[str, Any], made: Rewording) -> dict[str, Any]:
    """The row with its new words; the place goes with the quote."""
    new = {**row, **made.row({name: row[name] for name in ("quote", "severity_phrase", "summary", "facts")})}
    if new["quote"] == row["quote"]:
        return new
    place = locate(new["quote"], made.text.text, hint=row["quote_start"])
    if place is None:
        return {**new, "quote_start": None, "quote_end": None, "quote_verified": False}
    start, end = place
    return {
        **new, "quote": made.text.text[start:end], "quote_start": start, "quote_end": end, "quote_verified": True,
        "text_hash": made.text.text_hash,
    }  # fmt: skip


def _reword_json(
    session: Session, made: Mapping[int, Rewording], *, table: str, keys: Sequence[str], columns: Sequence[str],
    ticket: str,
) -> None:  # fmt: skip
    which = " AND ".join(f"{key} = :{key}" for key in keys)
    new_values = ", ".join(f"{column} = CAST(:{column} AS jsonb)" for column in columns)
    rows = session.execute(
        text(f"SELECT *, {ticket} AS of_ticket FROM {table} WHERE {ticket} = ANY(:ids) FOR UPDATE"),  # noqa: S608
        {"ids": list(made)},
    ).mappings()
    for row in rows.all():
        old = {column: row[column] for column in columns}
        new = {column: made[row["of_ticket"]].row(value) for column, value in old.items()}
        if new != old:
            values = {column: None if value is None else json.dumps(value) for column, value in new.items()}
            session.execute(
                text(f"UPDATE {table} SET {new_values} WHERE {which}"),  # noqa: S608
                {**values, **{key: row[key] for key in keys}},
            )


_HOLDERS = {
    "check_items": (("id",), ("shown",), "ticket_id"),
    "trial_readings": (("trial_id", "ticket_id"), ("before", "found"), "ticket_id"),
    "reread_issues": (
        ("rereading_id", "issue_id"),
        ("columns",),
        "(SELECT issues.ticket_id FROM issues WHERE issues.id = issue_id)",
    ),
    "corrections": (("id",), ("before", "after", "original"), "ticket_id"),
}
_STORE = """
    UPDATE issues SET quote = new.quote, severity_phrase = new.severity_phrase, summary = new.summary,
        facts = new.facts, quote_start = new.quote_start, quote_end = new.quote_end,
        quote_verified = new.quote_verified, text_hash = new.text_hash
    FROM json_to_recordset(CAST(:rows AS json)) AS new (id bigint, quote text, severity_phrase text, summary text,
        facts jsonb, quote_start int, quote_end int, quote_verified boolean, text_hash text)
    WHERE issues.id = new.id"""
