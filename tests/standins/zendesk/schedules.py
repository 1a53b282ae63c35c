"""Seeded fault schedules as data: the same number is the same schedule for ever, and every one of them ends.

A schedule only holds what a client must survive by itself: no revoked client, no missing role. Its faults are finite,
so a mirror that keeps trying reaches the truth once they are spent and the stand-in has settled.
"""

from __future__ import annotations

import random
from typing import Any

CI, SOAK = range(40), range(200)
EXPORT_FAULTS = (
    "429_text", "429_edge", "429_no_header", "429_zero", "429_long", "429_http_date", "429_odd_header", "500", "502",
    "503", "503_no_header", "504", "520", "524", "409", "200_html", "200_empty", "200_list", "200_error", "reset",
    "cut", "truncated_json", "broken_gzip", "stall", "drip", "no_rows_key", "null_rows", "no_end", "same_cursor",
    "null_cursor", "empty_page", "repeat_rows", "shuffle", "twice", "foreign_url", "redirect", "401_expired",
    "400_cursor", "400_too_recent",
)  # fmt: skip
COMMENT_FAULTS = (
    "429_text", "429_no_header", "429_long", "500", "502", "503", "504", "200_html", "200_empty", "reset", "cut",
    "truncated_json", "broken_gzip", "stall", "no_rows_key", "no_end", "same_cursor", "empty_page", "foreign_url",
    "redirect", "401_expired",
)  # fmt: skip
TOKEN_FAULTS = ("500", "503", "reset", "truncated_json", "429_text")
COMMENT_ROUTES = ("comments", "conversation_log", "audits")
LIFE = (
    ("create", 4), ("comment", 8), ("system_touch", 5), ("agent_update", 4), ("soft_delete", 3), ("undelete", 2),
    ("scrub", 1), ("merge", 2), ("redact", 3), ("make_private", 2), ("vanish", 1), ("bulk_touch", 1), ("archive", 1),
)  # fmt: skip


def schedule(seed: int) -> dict[str, Any]:
    """What `StandIn.load` takes: sizes, switches, the clock's pace, and the fault script."""
    rng = random.Random(f"schedule {seed}")
    tickets = rng.choices((0, 1, 7, 20, 45, 90), (1, 1, 2, 4, 4, 4))[0]
    cap = rng.choice((1, 3, 10, 1000)) if tickets < 40 else rng.choice((7, 10, 25, 1000))
    return {
        "seed": seed,
        "tickets": tickets,
        "oddities": rng.random() < 0.3,
        "pace": rng.choice((0, 0, 1, 20, 61)),  # seconds the clock moves with every request
        "switches": {
            "page_cap": cap,
            "comment_page_cap": rng.choice((1, 2, 5, 100)),
            "deleted_rows_bare": rng.random() < 0.5,
            "trailing_empty_comment_page": rng.random() < 0.3,
            "support_scope_known": rng.random() < 0.8,
            "via_string_every": rng.choice((0, 1, 3)),
            "comment_count": rng.choice(("all", "public")),
            "empty_time_page": rng.choice(("echo", "null")),
            "index_lag": rng.choice((0, 0, 0, 40)),
            "too_recent": rng.choice(("400", "400", "legacy422")),
            # Its own numbers, so that the other choices of a seed stay what they were.
            "events_mark_changes": random.Random(f"marks {seed}").random() < 0.7,
        },
        "faults": _faults(rng) + _life(rng),
    }


def _faults(rng: random.Random) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _ in range(rng.randrange(1, 7)):
        rule = {
            "do": rng.choice(EXPORT_FAULTS),
            "on": "exports",
            "skip": rng.randrange(6),
            "times": rng.choice((1, 1, 2)),
        }
        found.append(rule)
    for _ in range(rng.randrange(0, 5)):
        route = rng.choices(COMMENT_ROUTES, (8, 1, 1))[0]
        found.append({"do": rng.choice(COMMENT_FAULTS), "on": route, "skip": rng.randrange(30), "times": 1})
    if rng.random() < 0.3:
        found.append({"do": rng.choice(TOKEN_FAULTS), "on": "token", "skip": rng.randrange(2), "times": 1})
    if rng.random() < 0.3:
        found.append({"do": "revoke_tokens", "on": "*", "skip": rng.randrange(20), "times": 1})
    if rng.random() < 0.2:
        found.append({"do": "skew", "on": "*", "seconds": rng.choice((-600, 600)), "times": 1})
    for one in found:
        if one["do"] in ("cut", "truncated_json"):
            one["at"] = rng.choice((0.0, 0.3, 0.99))
    return found


def _life(rng: random.Random) -> list[dict[str, Any]]:
    names, weights = zip(*LIFE, strict=True)
    found = []
    for _ in range(rng.randrange(0, 15)):
        operations = [_operation(rng, rng.choices(names, weights)[0]) for _ in range(rng.randrange(1, 4))]
        act = rng.choice(("operate", "operate", "operate_after"))
        route = rng.choice(("*", "exports", "comments"))
        found.append({"do": act, "on": route, "skip": rng.randrange(40), "times": 1, "operations": operations})
    return found


def _operation(rng: random.Random, name: str) -> dict[str, Any]:
    operation: dict[str, Any] = {"op": name}
    if name == "create":
        return operation | {"comments": rng.randrange(1, 6), "ai_agent": rng.random() < 0.1}
    if name == "bulk_touch":
        return operation | {"count": rng.randrange(1, 60)}
    operation["pick"] = rng.randrange(1000)
    if name == "merge":
        operation["pick_into"] = rng.randrange(1000)
    if name == "comment":
        operation |= {"public": rng.random() < 0.7, "agent": rng.random() < 0.5, "count": rng.randrange(1, 4)}
    if name == "agent_update":
        operation |= rng.choice(
            ({"status": "solved"}, {"tags": ["v5_0", "api"]}, {"priority": "urgent"}, {"score": "bad"},
             {"brand_id": 42}, {"custom": {11001: "export"}}, {"reopens": 2}, {"organization_id": None})
        )  # fmt: skip
    if name in ("redact", "make_private"):
        operation["comment"] = rng.randrange(4)
    return operation
