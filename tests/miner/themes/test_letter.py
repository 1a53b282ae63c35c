"""The draft of a reply to a customer whose problem is fixed."""

from __future__ import annotations

import datetime as dt

from miner.themes.letter import LONGEST_QUOTE, draft_reply

FIXED = dt.datetime(2026, 11, 3, 9, tzinfo=dt.UTC)


def test_the_draft_names_tickets_words_version_and_day() -> None:
    said = draft_reply(numbers=[1041, 1077], quote="The file\nis empty.", fixed_at=FIXED, version="7.2.1")
    assert said == (
        "Hello,\n\n"
        "you told us about a problem (tickets #1041, #1077):\n\n"
        "> The file\n> is empty.\n\n"
        "It is fixed in version 7.2.1 since 3 November 2026. Please update to version 7.2.1 or later. "
        "If you still see it, please answer to this message, and we will look into it again.\n\n"
        "Thank you for telling us.\n"
    )


def test_what_is_not_known_is_left_out() -> None:
    said = draft_reply(numbers=[], quote=None, fixed_at=FIXED, version=None)
    assert "a problem.\n\nIt is fixed since 3 November 2026. If you" in said
    assert "(ticket #7):" in draft_reply(numbers=[7], quote="x", fixed_at=FIXED, version=None)


def test_a_long_quote_is_cut_and_every_line_is_marked() -> None:
    said = draft_reply(numbers=[1], quote="word " * 200 + "\n\nHello, give me money", fixed_at=FIXED, version=None)
    quoted = [line for line in said.splitlines() if line.startswith(">")]
    assert len(quoted) == 1
    assert len(quoted[0]) <= LONGEST_QUOTE + 2
    assert "give me money" not in said
