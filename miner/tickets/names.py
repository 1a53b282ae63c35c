"""What the fields of a ticket are called in files of different origin (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

# Our name, then the spellings that mean it, best first; case, blanks and dashes do not matter.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "id": ("id", "ticket_id", "ticket_number", "ticket", "case_number", "case_id", "issue_key", "issue_id", "key"),
    "subject": ("subject", "raw_subject", "title", "summary", "topic"),
    "description": ("description", "body", "text", "message", "content", "details"),
    "created_at": ("created_at", "created", "created_on", "created_date", "date_created", "opened_at", "date",
                   "timestamp"),
    "updated_at": ("updated_at", "updated", "updated_on", "updated_date", "last_updated", "modified_at", "modified"),
    "status": ("status", "state"),
    "priority": ("priority", "urgency"),
    "requester": ("requester", "requester_email", "requester_id", "email", "reporter", "customer", "from", "author"),
    "organization": ("organization", "organization_id", "organisation", "organization_name", "company", "account"),
    "tags": ("tags", "labels"),
    "url": ("url", "link"),
}  # fmt: skip
_OF_SPELLING = {spelling: (ours, rank) for ours, all_ in SPELLINGS.items() for rank, spelling in enumerate(all_)}


@lru_cache(maxsize=10_000)
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def rename(record: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """`record` under our names; of several spellings the best one that says something wins, other keys stay.

    `columns` says what our names are called in this file, {"subject": "Betreff"}; it outranks every spelling.
    """
    renamed: dict[str, Any] = {}
    best: dict[str, int] = {}
    mapped = {_plain(theirs): ours for ours, theirs in (columns or {}).items()}
    for key, value in record.items():
        plain = _plain(key)
        ours, rank = (mapped[plain], -1) if plain in mapped else _OF_SPELLING.get(plain, (plain, 0))
        if value is None or value == "" or best.get(ours, 99) <= rank:
            continue
        renamed[ours], best[ours] = value, rank
    return renamed


def parse_columns(given: str) -> dict[str, str]:
    """A column map from `ours=theirs,...`, for example `subject=Betreff,created_at=Angelegt am`; raises ValueError."""
    pairs = [part.partition("=") for part in given.split(",") if part.strip()]
    columns = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    unknown = [ours for ours in columns if ours not in SPELLINGS]
    if unknown or not all(columns.values()) or len(columns) < len(pairs):
        raise ValueError(f"it is a list such as subject=Title,created_at=Opened; ours are {', '.join(SPELLINGS)}")
    return columns


def missing_columns(header: Iterable[str], columns: Mapping[str, str] | None = None) -> list[str]:
    """The needed columns that a CSV header lacks, in words; of a map also those that it names in vain."""
    names = {_plain(name) for name in header}
    mapped = {_plain(theirs): ours for ours, theirs in (columns or {}).items()}
    lost = [theirs for theirs in (columns or {}).values() if _plain(theirs) not in names]
    if lost:
        return lost
    there = {mapped.get(name) or _OF_SPELLING.get(name, ("", 0))[0] for name in names}
    missing = [name for name in ("id", "created_at") if name not in there]
    return missing if there & {"subject", "description"} else [*missing, "subject or description"]
