"""What a row of the export has that nobody here has heard of (pure): kept as it is, but counted and said.

Names only, and only what looks like a name: values are a customer's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

STATUSES = frozenset(("new", "open", "pending", "hold", "solved", "closed", "deleted"))
FIELDS = frozenset((
    "allow_attachments", "allow_channelback", "assignee_id", "attribute_value_ids", "brand_id", "collaborator_ids",
    "collaborators", "comment_count", "created_at", "custom_fields", "custom_status_id", "dates",
    "deleted_ticket_form_id", "description", "due_at", "email_cc_ids", "encoded_id", "external_id", "fields",
    "follower_ids", "followup_ids", "followup_source_id", "forum_topic_id", "from_messaging_channel",
    "generated_timestamp", "group_id", "has_incidents", "id", "is_public", "metric_set", "organization_id",
    "priority", "problem_id", "raw_subject", "recipient", "requester_id", "result_type", "satisfaction_probability",
    "satisfaction_rating", "sharing_agreement_ids", "sla_policy_metric", "status", "subject", "submitter_id",
    "support_type", "tags", "ticket_form_id", "type", "updated_at", "url", "via", "via_id",
))  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_NAMES = 5


def list_unknown(row: Mapping[str, Any]) -> list[str]:
    """`status resting`, `field mood`: what this row has of its own."""
    status = row.get("status")
    found = [f"status {_name(status)}"] if isinstance(status, str) and status not in STATUSES else []
    if row.keys() <= FIELDS:
        return found
    return found + [f"field {_name(key)}" for key in row.keys() - FIELDS]


def unknown_sentence(unknown: Counter[str]) -> str:
    """Empty when nothing was unknown, else "; not known here: field mood (12 tickets), status resting (1 ticket)"."""
    if not unknown:
        return ""
    named = [f"{name} ({count:,} ticket{'' if count == 1 else 's'})" for name, count in unknown.most_common(MOST_NAMES)]
    more = [f"{len(unknown) - MOST_NAMES:,} more"] if len(unknown) > MOST_NAMES else []
    return f"; not known here, but kept: {', '.join(named + more)}"


def _name(value: str) -> str:
    return value if _NAME.fullmatch(value) else "of another form"
