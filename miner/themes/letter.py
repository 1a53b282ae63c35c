"""The draft of a reply to a customer whose problem is fixed (pure): a text to copy, which is never sent from here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

LONGEST_QUOTE = 300


def draft_reply(*, numbers: Sequence[int], quote: str | None, fixed_at: dt.datetime, version: str | None) -> str:
    """English sentences around the customer's own words. `numbers` are Zendesk's of the tickets, `fixed_at` is in the
    workspace's zone."""
    tickets = ", ".join(f"#{number}" for number in numbers)
    about = f" ({'ticket' if len(numbers) == 1 else 'tickets'} {tickets})" if numbers else ""
    said = f":\n\n{_quoted(quote)}\n\n" if quote else ".\n\n"
    where = f" in version {version}" if version else ""
    please = f"Please update to version {version} or later. " if version else ""
    return (
        f"Hello,\n\nyou told us about a problem{about}{said}"
        f"It is fixed{where} since {fixed_at.day} {fixed_at:%B %Y}. {please}"
        "If you still see it, please answer to this message, and we will look into it again.\n\n"
        "Thank you for telling us.\n"
    )


def _quoted(quote: str) -> str:
    """The customer's words on lines that begin with >, cut where they go on for long."""
    words = quote.strip()
    words = words if len(words) <= LONGEST_QUOTE else words[: LONGEST_QUOTE - 1].rstrip() + "…"
    return "\n".join(f"> {line.strip()}" for line in words.splitlines() if line.strip())
