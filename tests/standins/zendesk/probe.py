"""Compare the stand-in's shapes with a real account: six reading calls, run by hand, nothing is written or printed
but names of keys.

    ZENDESK_BASE_URL=https://acme.zendesk.com ZENDESK_OAUTH_TOKEN=... python -m tests.standins.zendesk.probe
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from typing import Any

from tests.standins.zendesk.standin import StandIn

CALLS = (
    "/api/v2/users/me.json",
    "/api/v2/incremental/tickets/sample.json?start_time=0",
    "/api/v2/incremental/tickets/cursor.json?start_time=0&per_page=1&include=users,organizations,comment_count",
    "/api/v2/ticket_fields.json?page[size]=5",
    "/api/v2/brands.json?page[size]=5",
    "/api/v2/tickets/{ticket}/comments.json?page[size]=5",
)


def shape(value: Any, path: str = "") -> set[str]:
    """The paths of all keys in `value`; elements of a list share one path."""
    if isinstance(value, dict):
        return {f"{path}.{key}" for key in value} | {
            one for key, inner in value.items() for one in shape(inner, f"{path}.{key}")
        }
    if isinstance(value, list):
        return {one for inner in value for one in shape(inner, f"{path}[]")}
    return set()


def compare(base_url: str, token: str) -> dict[str, tuple[list[str], list[str]]]:
    """{call: (keys only the account has, keys only the stand-in has)}."""
    found = {}
    with StandIn(tickets=60) as standin:
        ours, theirs = "1", "1"
        for call in CALLS:
            there = _get(base_url + call.format(ticket=theirs), token)
            here = _get(standin.base_url + call.format(ticket=ours), standin.bearer)
            if "cursor.json" in call:
                theirs, ours = (str(one["tickets"][0]["id"]) for one in (there, here))
            found[call] = (sorted(shape(there) - shape(here)), sorted(shape(here) - shape(there)))
    return found


def _get(url: str, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return json.load(answer)


def main() -> int:
    base_url, token = os.environ.get("ZENDESK_BASE_URL", ""), os.environ.get("ZENDESK_OAUTH_TOKEN", "")
    if not base_url.startswith("https://") or not token:
        print(__doc__, file=sys.stderr)
        return 2
    for call, (theirs, ours) in compare(base_url.rstrip("/"), token).items():
        print(f"{call}\n  only the account: {', '.join(theirs) or '-'}\n  only the stand-in: {', '.join(ours) or '-'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
