"""Rows as they turn up in the wild, each on its own ticket (reference 1.8 and section 5)."""

from __future__ import annotations

from tests.standins.zendesk.operations import Operations

HUGE = 65_000
CUSTOM = {
    11001: "billing", 11002: "Pixel 9\u2028", 11003: ["ios", "web"], 11004: True, 11005: "12", 11006: "4.20",
    11007: "2026-10-01", 11008: "AB-12", 11009: "9770000000000", 11010: "1. open\n2. click", 11011: "XXXXXXXXXXXX1234",
}  # fmt: skip


def add_oddities(ops: Operations, *, many_comments: int = 250, huge: int = HUGE) -> dict[str, int]:
    """Create them all; {what is odd: ticket id}."""
    made = {
        "nul": ops.create(subject="A\x00B", body="before\x00after"),
        "lone_surrogate": ops.create(subject="Broken emoji \ud83d", body="half an emoji \ud83d here"),
        "huge_body": ops.create(body="The page stays blank. " * (huge // 22)),
        "large_id": ops.create(number=2**40 + 17),
        "year_1970": ops.create(created_at=0),
        "without_fields": ops.create(absent=("fields", "satisfaction_rating", "via", "has_incidents")),
        "unknown_status": ops.create(overrides={"status": "resting", "custom_status_id": 987}),
        "null_subject": ops.create(overrides={"subject": None, "raw_subject": None}),
        "null_everything": ops.create(
            overrides={
                "type": None, "priority": None, "recipient": None, "brand_id": 41, "ticket_form_id": None,
                "custom_status_id": None, "satisfaction_rating": None, "group_id": None, "assignee_id": None,
            }
        ),
        "custom_values": ops.create(custom=CUSTOM),
        "via_is_text": ops.create(overrides={"via": "Web form"}),
        "empty_body": ops.create(subject="Only a subject", body=""),
        "no_comment": ops.create(subject="No comment at all", comments=0),
        "markup": ops.create(subject="<script>alert(1)</script>", body="<img src=x onerror=alert(1)> & more"),
        "unknown_author": ops.create(),
        "many_comments": ops.create(comments=many_comments),
        "ai_agent": ops.create(ai_agent=True),
        "voice": ops.create(channel="voice"),
        "follow_up": ops.create(follows=1),
        "messaging": ops.create(channel="native_messaging"),
        "chat": ops.create(channel="chat"),
        "problem": ops.create(type="incident", problem_id=1),
    }  # fmt: skip
    made["null_subject"].subject = None
    ops.comment(made["unknown_author"], "Written by nobody", author=-1)
    made["voice"].comments[0].kind = "VoiceComment"
    for name in ("messaging", "chat"):
        ops.message(made[name], "Is anybody there? The export is broken.")
        ops.message(made[name], "Yes, one moment.", agent=True)
    made["year_1970"].updated_at = 0
    return {name: one.id for name, one in made.items()}
