"""Convert the SeaMonkey part of GitBugs into the sample that ships with the product; run once, kept for the record.

    python scripts/make_sample.py gitbugs_issues.csv.gz miner/tickets/data/seamonkey.ndjson.gz

Source: GitBugs (A. Patil, 2025, arXiv 2504.09651, github.com/av9ash/gitbugs), CC-BY-4.0. Changes made: the columns are
renamed to the shape of a Zendesk ticket export, resolutions become tags, mail addresses in the texts are masked, the
newest report comes first. Nobody wrote down who reported what, so there is no requester; nothing is added. The same
input gives the same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def convert(row: dict[str, str]) -> dict[str, Any]:
    """One GitBugs row (id, text, label, created, description) as a Zendesk ticket."""
    created = dt.datetime.fromisoformat(row["created"]).astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    resolution = row["label"].strip().lower()
    return {
        "id": int(row["id"]),
        "url": f"https://bugzilla.mozilla.org/show_bug.cgi?id={row['id']}",
        "created_at": created,
        "updated_at": created,
        "subject": _ADDRESS.sub("[address]", row["text"]),
        "description": _ADDRESS.sub("[address]", row["description"]),
        "status": "closed" if resolution else "open",
        "priority": None,
        "requester_id": None,
        "organization_id": None,
        "tags": [resolution] if resolution else [],
        "custom_fields": [],
    }


def main(source: str, target: str) -> None:
    csv.field_size_limit(1 << 24)
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        tickets = [convert(row) for row in csv.DictReader(file) if row["project"] == "seamonkey"]
    tickets.sort(key=lambda ticket: (ticket["created_at"], ticket["id"]), reverse=True)
    lines = "".join(json.dumps(ticket, ensure_ascii=False) + "\n" for ticket in tickets)
    Path(target).write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
